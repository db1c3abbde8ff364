import { setTimeout as sleep } from 'node:timers/promises';
import type { CacheProcess } from '../cluster/cache-process.js';
import type { Cluster, ClusterOptions } from '../cluster/cluster.js';
import type { JobName } from '../cluster/jobs.js';
import { stormAll } from './readings.js';
import { complaints, makeStale, type Measured, newKeys, PATIENT, type Scenario } from './scenario.js';

const READERS = 64;
/** Milliseconds to wait for fetches that should not happen. */
const AFTERMATH = 400;
const AT_ONCE = 30;

const WITHOUT_DEDUP = {
  without: 'deduplication',
  cluster: { webs: 2, workers: 1, jobs: ['plain', 'lag1'], sabotage: 'no-dedup' },
  size: 5,
} as const;

export const CROWD: ClusterOptions = {
  webs: 6,
  workers: 2,
  jobs: ['plain', 'lag1', 'lag10', 'strict', 'failing', 'batched', 'single'],
  storeTimeout: PATIENT,
};

/**
 * Measured in windows of keys: from the moment at which a value is stale until its refresh, every reader reads it all
 * the time.
 */
export const oneFetch: readonly Scenario[] = (['lag10', 'lag1', 'plain'] as const).map((job) => ({
  guarantee: 'G1',
  title: `fetches per key and window, 8 processes × ${READERS} readers, queue lag ${lagOf(job)} s`,
  limit: '1.000',
  cluster: CROWD,
  size: { short: job === 'plain' ? 60 : 30, long: job === 'plain' ? 1_000 : 300 },
  measure: (cluster, size) => measureFetches(cluster, job, size),
  // Slow enough to measure others at the same time.
  meanwhile: job === 'lag10',
  // Ten seconds of lag prove no more than one.
  ...(job === 'lag10' ? {} : { control: WITHOUT_DEDUP }),
}));

/** `standstill`: milliseconds for which all workers are frozen, which is a lag that is not the queue's. */
export async function measureFetches(
  cluster: Cluster,
  job: JobName,
  windows: number,
  standstill = 0,
): Promise<Measured> {
  const { origin, all, webs, workers } = cluster;
  const keys = newKeys(windows);
  const batches = Array.from({ length: Math.ceil(windows / AT_ONCE) }, (_, index) =>
    keys.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
  );
  let unanswered = 0;
  let waited = 0;
  const readEverywhere = async (batch: readonly string[], processes = all): Promise<void> => {
    for (const { failed, miss } of await stormAll(processes, job, batch, READERS)) {
      unanswered += failed;
      waited += miss;
    }
  };
  for (const batch of batches) {
    await makeStale(cluster, job, batch);
    if (standstill > 0) await withoutWorkers(workers, standstill, () => readEverywhere(batch, webs));
    const deadline = performance.now() + lagOf(job) * 1_000 + 15_000;
    while (!batch.every((key) => origin.of(job, key).length > 0) && performance.now() < deadline) {
      await readEverywhere(batch);
      await sleep(lagOf(job) * 50);
    }
    await readEverywhere(batch);
    await sleep(AFTERMATH);
    await readEverywhere(batch);
  }
  await sleep(AFTERMATH + lagOf(job) * 100);
  const fetches = keys.map((key) => origin.of(job, key).length);
  const each = fetches.reduce((sum, count) => sum + count, 0) / windows;
  const holds = fetches.every((count) => count === 1) && unanswered === 0 && waited === 0;
  const number = `${each.toFixed(3)} (most ${Math.max(...fetches)})`;
  if (holds) return { n: windows, number, holds };
  return {
    n: windows,
    number: `${number}, ${waited} waited, ${unanswered} failed, told: ${await complaints(cluster)}`,
    holds,
  };
}

async function withoutWorkers(workers: readonly CacheProcess[], ms: number, act: () => Promise<void>): Promise<void> {
  const end = performance.now() + ms;
  for (const worker of workers) worker.freeze();
  while (performance.now() < end) {
    await act();
    await sleep(50);
  }
  for (const worker of workers) worker.thaw();
}

function lagOf(job: JobName): number {
  return job === 'lag1' ? 1 : job === 'lag10' ? 10 : 0;
}
