import { setTimeout as sleep } from 'node:timers/promises';
import type { CacheProcess } from '../cluster/cache-process.js';
import type { Cluster, ClusterOptions } from '../cluster/cluster.js';
import type { JobName } from '../cluster/jobs.js';
import { percentile, until, waitsOf } from '../cluster/patience.js';
import { read } from './readings.js';
import { makeStale, type Measured, newKeys, PATIENT, type Scenario } from './scenario.js';

const KEYS_A_ROUND = 8;

const CLUSTER: ClusterOptions = { webs: 1, workers: 4, jobs: ['quick'], storeTimeout: PATIENT };

export const killedWorker: readonly Scenario[] = [
  {
    guarantee: 'G7',
    title: 'SIGKILL of a worker in mid-refresh: time to the fresh value, lease 2 s',
    limit: 'p99 ≤ 3 s, 0 stuck',
    cluster: CLUSTER,
    size: { short: 8, long: 1_000 },
    measure: (cluster, size) => measureRecovery(cluster, 'quick', size, 2_000, 20_000),
    control: {
      without: 'the end of a lease',
      cluster: { sabotage: 'endless-lease', workers: 2 },
      size: 1,
      measure: (cluster, size) => measureRecovery(cluster, 'quick', size, 2_000, 6_000),
    },
  },
  {
    guarantee: 'G7',
    title: 'the same with the default lease, 10 s',
    limit: 'p99 ≤ 11 s, 0 stuck',
    cluster: { ...CLUSTER, jobs: ['plain'] },
    size: { short: 4, long: 40 },
    measure: (cluster, size) => measureRecovery(cluster, 'plain', size, 10_000, 40_000),
    onlyLong: true,
  },
];

async function measureRecovery(
  cluster: Cluster,
  job: JobName,
  size: number,
  lease: number,
  patience: number,
): Promise<Measured> {
  const { times, stuck } = await recoveries(cluster, job, size, { patience });
  return {
    n: times.length + stuck,
    number: `${waitsOf(times)}${stuck} stuck`,
    holds: stuck === 0,
    exact: stuck === 0 && percentile(times, 99) <= lease + 1_000,
  };
}

export interface Recoveries {
  /** Milliseconds from the kill until a key was fresh that a killed worker was fetching. */
  readonly times: readonly number[];
  /** Keys that were not fresh in time. */
  readonly stuck: number;
}

export interface RecoveryOptions {
  /** Milliseconds after which a key that is not fresh counts as stuck. */
  readonly patience: number;
  /** Called as soon as the workers are dead. */
  readonly afterKill?: () => void;
}

export async function recoveries(
  cluster: Cluster,
  job: JobName,
  size: number,
  options: RecoveryOptions,
): Promise<Recoveries> {
  const times: number[] = [];
  let stuck = 0;
  while (times.length + stuck < size) {
    for (const time of await killInMidRefresh(cluster, job, options)) {
      if (time === undefined) stuck++;
      else times.push(time);
    }
  }
  return { times, stuck };
}

/**
 * Milliseconds from the kill until each key was fresh that a killed worker was fetching; undefined when not in time.
 */
async function killInMidRefresh(
  cluster: Cluster,
  job: JobName,
  { patience, afterKill = () => undefined }: RecoveryOptions,
): Promise<(number | undefined)[]> {
  const { origin, webs } = cluster;
  const web = webs[0]!;
  const keys = newKeys(KEYS_A_ROUND);
  const hold = origin.hold(({ keys: [key = ''] }) => keys.includes(key));
  await makeStale(cluster, job, keys);
  await until('refreshes of all', async () => {
    for (const key of keys) await read(web, job, key);
    return hold.waiting.length >= keys.length;
  });
  const victims = victimsAmong(cluster.workers);
  const orphans = hold.waiting
    .filter(({ process }) => victims.some(({ name }) => name === process))
    .flatMap(({ keys: [key = ''] }) => key);
  await Promise.all(victims.map((victim) => cluster.kill(victim)));
  const killed = performance.now();
  afterKill();
  hold.release();
  const replaced = Promise.all(victims.map(() => cluster.add('worker')));
  const times = await Promise.all(orphans.map((key) => untilFresh(cluster, web, job, key, killed, patience)));
  await replaced;
  return times;
}

/** Half of them, at least one. */
function victimsAmong(workers: readonly CacheProcess[]): CacheProcess[] {
  return workers.slice(0, Math.max(1, workers.length >> 1));
}

async function untilFresh(
  { origin }: Cluster,
  web: CacheProcess,
  job: JobName,
  key: string,
  since: number,
  patience: number,
): Promise<number | undefined> {
  while (performance.now() - since < patience) {
    const { value } = await read(web, job, key);
    if (value.version === origin.versionOf(key)) return performance.now() - since;
    await sleep(10);
  }
  return undefined;
}
