import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, ClusterOptions } from '../cluster/cluster.js';
import type { JobName } from '../cluster/jobs.js';
import { stormAll } from './readings.js';
import { makeStale, type Measured, newKeys, type Scenario } from './scenario.js';

const READERS = 64;
/** For what would come too much. */
const AFTERMATH = 400;

export const CROWD: ClusterOptions = {
  webs: 6,
  workers: 2,
  jobs: ['plain', 'lag1', 'lag10', 'tagged', 'strict', 'failing', 'batched', 'single'],
};

const WITHOUT_DEDUP = {
  without: 'deduplication',
  cluster: { webs: 2, workers: 1, jobs: ['plain', 'lag1'], sabotage: 'no-dedup' },
  size: 5,
} as const;

/** Key-windows: from the moment at which a value is stale to its refresh, everybody reads it all the time. */
export const oneFetch: readonly Scenario[] = (['plain', 'lag1', 'lag10'] as const).map((job) => ({
  guarantee: 'G1',
  title: `fetches per key and window, 8 processes × ${READERS} readers, queue lag ${lagOf(job)} s`,
  limit: '1.000',
  cluster: CROWD,
  size: { short: job === 'plain' ? 60 : 30, long: 1_000 },
  measure: (cluster, size) => measureFetches(cluster, job, size),
  // The check is the same for every lag, and ten seconds of it prove no more than one.
  ...(job === 'lag10' ? { control: { ...WITHOUT_DEDUP, measure: (cluster: Cluster, size: number) => measureFetches(cluster, 'lag1', size) } } : { control: WITHOUT_DEDUP }),
}));

export async function measureFetches(cluster: Cluster, job: JobName, windows: number): Promise<Measured> {
  const { origin, all } = cluster;
  const keys = newKeys(windows);
  const batches = Array.from({ length: Math.ceil(windows / 30) }, (_, index) => keys.slice(index * 30, (index + 1) * 30));
  let unanswered = 0;
  let waited = 0;
  const readEverywhere = async (batch: readonly string[]): Promise<void> => {
    for (const { failed, miss } of await stormAll(all, job, batch, READERS)) {
      unanswered += failed;
      waited += miss;
    }
  };
  for (const batch of batches) {
    await makeStale(cluster, job, batch);
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
  return { n: windows, number: `${each.toFixed(3)} (most ${Math.max(...fetches)})`, holds };
}

function lagOf(job: JobName): number {
  return job === 'lag1' ? 1 : job === 'lag10' ? 10 : 0;
}
