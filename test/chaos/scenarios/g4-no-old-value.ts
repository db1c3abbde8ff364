import { setTimeout as sleep } from 'node:timers/promises';
import type { CacheProcess } from '../cluster/cache-process.js';
import type { Cluster } from '../cluster/cluster.js';
import { inLanes, until } from '../cluster/patience.js';
import { read, type Reading } from './readings.js';
import { FEW, FEW_WRONG, type Measured, newKeys, type Scenario } from './scenario.js';

const JOB = 'tagged';
export const CHANGES = ['set', 'delete', 'invalidate', 'invalidateTag', 'deleteTag'] as const;
/**
 * Milliseconds by which a copy may be late: the report travels beside the answer to the process that made the change.
 */
const MOMENTS = 500;
/** Races at the same time. */
export const LANES = 20;
/** Milliseconds. Others may have to wait for the lease. */
const OTHERS_FETCH = 60;

export type Change = (typeof CHANGES)[number];

interface Race {
  readonly change: Change;
  /** What fetches: a reader on a miss, or a worker for a stale value. */
  readonly fetcher: 'caller' | 'worker';
  /** Which process makes the change: the one that is fetching, or another. */
  readonly by: 'same' | 'other';
  /** When the fetch ends: at once after the change, or when others have had time to fetch the new value. */
  readonly end: 'at once' | 'late';
  readonly key: string;
}

export const noOldValue: readonly Scenario[] = [false, true].flatMap((near) =>
  CHANGES.map((change) => ({
    guarantee: 'G4',
    title: `old value back after ${change} during a fetch, in the caller and a worker, by the same and another process, near tier ${near ? 'on' : 'off'}`,
    limit: '0',
    cluster: { ...FEW, near },
    size: { short: 100, long: 10_000 },
    measure: (cluster: Cluster, size: number) => measureOld(cluster, change, size),
    // The near tier is above the fence, so its control runs by command only: processes are slow to start.
    control: { without: 'the fence', cluster: { ...FEW_WRONG, near, sabotage: 'no-fence' }, size: 16, onlyLong: near },
  })),
);

async function measureOld(cluster: Cluster, change: Change, size: number): Promise<Measured> {
  const back = await oldValuesBack(cluster, change, size);
  return { n: size, number: `${back}`, holds: back === 0 };
}

/** What else happens in each of the races that run at the same time. */
export interface Between {
  /** After the fetch has begun. */
  readonly beforeChange?: () => Promise<void>;
  /** Before the fetch ends. */
  readonly afterChange?: () => Promise<void>;
  /** Milliseconds until the new value must be there. *Default:* 5,000. */
  readonly patience?: number;
}

/** In how many races the old value came back. */
export async function oldValuesBack(
  cluster: Cluster,
  change: Change,
  size: number,
  between: Between = {},
): Promise<number> {
  const races = newKeys(size).map((key, index): Race => ({
    change,
    key,
    fetcher: index % 2 === 0 ? 'caller' : 'worker',
    by: index % 4 < 2 ? 'same' : 'other',
    end: index % 8 < 4 ? 'at once' : 'late',
  }));
  const old = await inLanes(races, LANES, (one) => oldReadings(cluster, one, between));
  // If a refused value was stored all the same, it is there by now.
  await sleep(200);
  const stored = await inLanes(races, LANES, ({ key }) => newVersionEverywhere(cluster, key));
  return races.filter((_, index) => old[index]! > 0 || !stored[index]).length;
}

/** How many readers got, as a fresh value, one that was outdated when the change was acknowledged. */
async function oldReadings(
  cluster: Cluster,
  { change, fetcher, by, end, key }: Race,
  { beforeChange, afterChange, patience = 5_000 }: Between,
): Promise<number> {
  const { origin, webs, all } = cluster;
  const [web] = webs as [CacheProcess];
  const hold = origin.holdNext(key);
  const first = fetcher === 'worker' ? readStale(cluster, web, key) : read(web, JOB, key);
  first.catch(() => undefined);
  await until(`a fetch of ${key}`, () => hold.waiting.length > 0);
  const fetching = all.find(({ name }) => name === hold.waiting[0]?.process)!;
  const changing = by === 'same' ? fetching : all.find((process) => process !== fetching)!;
  await beforeChange?.();
  const version = origin.write(key);
  await make(change, changing, cluster, key);
  await afterChange?.();
  const acknowledged = performance.now();
  const late = all.map((process) => read(process, JOB, key));
  if (end === 'late') await Promise.race([Promise.allSettled(late), sleep(OTHERS_FETCH)]);
  hold.release();
  await first;
  const isOld = ({ value, status }: Reading): boolean => value.version < version && status !== 'stale';
  let old = 0;
  const count = (reading: Reading): void => {
    if (!isOld(reading) || (cluster.options.near && performance.now() - acknowledged < MOMENTS)) return;
    old++;
  };
  for (const reading of await Promise.all(late)) count(reading);
  for (const process of all) {
    const deadline = performance.now() + patience;
    for (;;) {
      const reading = await read(process, JOB, key);
      count(reading);
      if (reading.value.version >= version || old > 0 || performance.now() > deadline) break;
      await sleep(2);
    }
  }
  return old;
}

async function readStale({ origin }: Cluster, process: CacheProcess, key: string): Promise<void> {
  await process.call('set', JOB, key, origin.valueOf(key), '1ms');
  await until(`${key} is stale`, async () => (await read(process, JOB, key)).status === 'stale');
}

async function newVersionEverywhere({ origin, all }: Cluster, key: string): Promise<boolean> {
  const readings = await Promise.all(all.map((process) => read(process, JOB, key)));
  return readings.every(({ value }) => value.version === origin.versionOf(key));
}

async function make(change: Change, process: CacheProcess, { origin }: Cluster, key: string): Promise<void> {
  if (change === 'set') await process.call('set', JOB, key, origin.valueOf(key));
  else await process.call(change, JOB, key);
}
