import { setTimeout as sleep } from 'node:timers/promises';
import type { CacheProcess } from '../cluster/cache-process.js';
import type { Cluster } from '../cluster/cluster.js';
import { percentile, until, waitsOf } from '../cluster/patience.js';
import { read } from './readings.js';
import { type Measured, newKeys, PATIENT, type Scenario } from './scenario.js';

const JOB = 'quick';
export const LEASE = 2_000;
const KEYS_A_ROUND = 8;
const PATIENCE = 6_000;

/** Without workers, so that no other process helps. */
export const killedWeb: readonly Scenario[] = [
  {
    guarantee: 'G7',
    title:
      'SIGKILL of a web that fetches a cold key: time to the value of those who wait elsewhere, no worker, lease 2 s',
    limit: 'p99 ≤ 3 s, one fetch more, 0 stuck',
    cluster: { webs: 3, workers: 0, jobs: [JOB], storeTimeout: PATIENT },
    size: { short: 8, long: 200 },
    measure: measureTakeover,
    control: { without: 'the end of a lease', cluster: { sabotage: 'endless-lease' }, size: 1 },
  },
];

async function measureTakeover(cluster: Cluster, size: number): Promise<Measured> {
  const { times, stuck, most } = await takeovers(cluster, size);
  const holds = stuck === 0 && most === 2;
  return {
    n: times.length + stuck,
    number: `${waitsOf(times)}at most ${most} fetches with that of the dead, ${stuck} stuck`,
    holds,
    exact: holds && percentile(times, 99) <= LEASE + 1_000,
  };
}

export interface Takeovers {
  /** Milliseconds from the kill until the last reader that waits for a key has it. */
  readonly times: readonly number[];
  /** Keys whose readers did not get it in time. */
  readonly stuck: number;
  /** The most fetches of one key, with that of the dead process. */
  readonly most: number;
}

export interface TakeoverOptions {
  /** Called as soon as the fetching process is dead. */
  readonly afterKill?: () => void;
  /** Milliseconds after which a waiting reader counts as stuck. */
  readonly patience?: number;
}

export async function takeovers(cluster: Cluster, size: number, options: TakeoverOptions = {}): Promise<Takeovers> {
  const times: number[] = [];
  let stuck = 0;
  let most = 0;
  while (times.length + stuck < size) {
    const keys = newKeys(KEYS_A_ROUND);
    for (const time of await killInColdFetch(cluster, keys, options)) {
      if (time === undefined) stuck++;
      else times.push(time);
    }
    most = Math.max(most, ...keys.map((key) => cluster.origin.of(JOB, key).length));
  }
  return { times, stuck, most };
}

/** Milliseconds from the kill until the last reader that waits for each key has it; undefined when not in time. */
async function killInColdFetch(
  cluster: Cluster,
  keys: readonly string[],
  { afterKill = () => undefined, patience = PATIENCE }: TakeoverOptions,
): Promise<(number | undefined)[]> {
  const { origin, webs } = cluster;
  const [victim, ...others] = webs as [CacheProcess, ...CacheProcess[]];
  const hold = origin.hold(({ process }) => process === victim.name);
  for (const key of keys) read(victim, JOB, key).catch(() => undefined);
  await until('fetches under way', () => hold.waiting.length === keys.length);
  let killed = Infinity;
  const waiting = keys.map(async (key) => {
    await Promise.all(others.map((other) => read(other, JOB, key)));
    return performance.now() - killed;
  });
  // By now they have found the key busy.
  await sleep(100);
  await cluster.kill(victim);
  killed = performance.now();
  afterKill();
  hold.release();
  const times = await Promise.all(
    waiting.map((time) => Promise.race([time.catch(() => undefined), sleep(patience, undefined)])),
  );
  await cluster.add('web');
  return times;
}
