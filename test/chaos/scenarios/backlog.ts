import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { Cluster } from '../cluster/cluster.js';
import type { Fetch } from '../cluster/origin.js';
import { percentile, until } from '../cluster/patience.js';
import { type Load, stormAll } from './readings.js';
import { complaints, type Measured, newKeys, PATIENT, type Scenario } from './scenario.js';

const JOB = 'plain';
const WORKERS = 2;
/** Keys in one call of a process. */
const BATCH = 1_000;
/** Keys of the backlog that are read while it is worked off. */
const READ = 1_000;
const LOAD = { readers: 8, ms: 1_000, pause: 10 };
/** Milliseconds to wait for fetches that should not happen. */
const AFTERMATH = 1_000;

/** Everything is stale, all processes request and none fetches, as workers find it that were away for long. */
export const backlog: readonly Scenario[] = [
  {
    guarantee: 'backlog',
    title: `all keys stale and asked for by 2 webs without a worker, then ${WORKERS} workers come`,
    limit: '1.000 requests and 1.000 fetches per key, all reads answered',
    // The queue has a Redis of its own, so that all memory of that Redis is the queue's.
    cluster: { webs: 2, workers: 0, jobs: [JOB], near: true, ownQueue: true, storeTimeout: PATIENT },
    size: { short: 2_000, long: 100_000 },
    measure: measureBacklog,
    control: { without: 'deduplication', cluster: { sabotage: 'no-dedup' }, size: 200 },
  },
];

async function measureBacklog(cluster: Cluster, size: number): Promise<Measured> {
  const { origin, queueRedis } = cluster;
  const keys = newKeys(size);
  const batches = batchesOf(keys);
  const redis = new Redis(queueRedis.url);
  const queue = new Queue('async-cache', {
    connection: { host: '127.0.0.1', port: queueRedis.port },
    prefix: 'async-cache:queue',
  });
  try {
    for (const batch of batches) await makeStale(cluster, batch);
    const [rssBefore, memoryBefore] = [await peakRss(cluster), await usedMemory(redis)];
    const asking = await readAll(cluster, batches);
    const queued = await arrived(queue, size);
    const memory = (await usedMemory(redis)) - memoryBefore;
    const early = origin.fetches.length;
    const drain = await workOff(cluster, queue, keys);
    await sleep(AFTERMATH);
    const rss = await peakRss(cluster);
    const after = await readAll(cluster, batches);

    const counts = countsOf(origin.fetches, keys);
    const failed = asking.failed + drain.failed + after.failed;
    const waited = asking.miss + after.miss;
    const isRight = queued === size && early === 0 && counts.every((count) => count === 1);
    const holds = isRight && failed === 0 && waited === 0 && after.old === 0;
    const number = [
      `${(queued / size).toFixed(3)} requests of ${(memory / queued).toFixed(0)} B in Redis`,
      `${(origin.fetches.length / size).toFixed(3)} fetches (most ${Math.max(...counts)}, ${early} early)`,
      `asked for in ${seconds(asking.ms)}, worked off in ${seconds(drain.ms)}: ${((1_000 * size) / drain.ms).toFixed(0)} keys/s`,
      `p99 of ${drain.waits.length} reads meanwhile ${percentile(drain.waits, 99).toFixed(1)} ms`,
      `peak RSS of a web ${megabytes(rssBefore)}, with the backlog ${megabytes(rss)}`,
      `${failed} reads failed, ${waited} waited, ${after.old} old at the end`,
    ].join('; ');
    return { n: size, number: holds ? number : `${number}; told: ${(await complaints(cluster)) || 'nothing'}`, holds };
  } finally {
    redis.disconnect();
    await queue.close();
    for (const worker of [...cluster.workers]) await cluster.kill(worker);
  }
}

interface Drain {
  readonly ms: number;
  readonly failed: number;
  /** How long reads took meanwhile. */
  readonly waits: readonly number[];
}

/** Starts workers and waits until every request has been run, while the webs read some of the keys. */
async function workOff(cluster: Cluster, queue: Queue, keys: readonly string[]): Promise<Drain> {
  const { origin, webs } = cluster;
  const step = Math.max(1, Math.floor(keys.length / READ));
  const sample = keys.filter((_, index) => index % step === 0);
  let over = false;
  const loads: Load[] = [];
  const readers = webs.map(async (web) => {
    while (!over) loads.push(await web.call<Load>('load', JOB, sample, LOAD));
  });
  await Promise.all(Array.from({ length: WORKERS }, () => cluster.add('worker')));
  while ((await pending(queue)) > 0) await sleep(50);
  over = true;
  await Promise.all(readers);
  const ends = origin.fetches.map(({ endedAt = 0 }) => endedAt);
  // By a loop: a hundred thousand are too many arguments for Math.max.
  const end = ends.reduce((latest, each) => Math.max(latest, each), 0);
  return {
    ms: end - (origin.fetches[0]?.startedAt ?? end),
    failed: loads.reduce((sum, load) => sum + load.failed, 0),
    waits: loads.flatMap(({ waits }) => waits),
  };
}

/** Reads every key once in every web. */
async function readAll(
  { webs, origin }: Cluster,
  batches: readonly string[][],
): Promise<{ ms: number; failed: number; miss: number; old: number }> {
  const start = performance.now();
  const sum = { failed: 0, miss: 0, old: 0 };
  for (const batch of batches) {
    for (const { failed, miss, versions } of await stormAll(webs, JOB, batch, 1)) {
      sum.failed += failed;
      sum.miss += miss;
      sum.old += batch.filter((key) => versions[key]?.[0] !== origin.versionOf(key)).length;
    }
  }
  return { ...sum, ms: performance.now() - start };
}

/** Like `makeStale` of the other scenarios, but with one call for many keys. */
async function makeStale({ webs, origin }: Cluster, keys: readonly string[]): Promise<void> {
  await webs[0]!.call(
    'setMany',
    JOB,
    keys.map((key) => [key, origin.valueOf(key)]),
    '1ms',
  );
  for (const key of keys) origin.write(key);
}

/** The number of requests when all have arrived. The requests of webs leave after their reads have been answered. */
async function arrived(queue: Queue, expected: number): Promise<number> {
  await until('all requests', async () => (await pending(queue)) >= expected).catch(() => undefined);
  await sleep(AFTERMATH);
  return pending(queue);
}

async function pending(queue: Queue): Promise<number> {
  return queue.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized');
}

function countsOf(fetches: readonly Fetch[], keys: readonly string[]): number[] {
  const counts = new Map<string, number>();
  for (const {
    keys: [key = ''],
  } of fetches)
    counts.set(key, (counts.get(key) ?? 0) + 1);
  return keys.map((key) => counts.get(key) ?? 0);
}

/** The largest memory of any web. */
async function peakRss({ webs }: Cluster): Promise<number> {
  return Math.max(...(await Promise.all(webs.map((web) => web.call<number>('peakRss')))));
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}

function batchesOf(keys: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(keys.length / BATCH) }, (_, index) =>
    keys.slice(index * BATCH, (index + 1) * BATCH),
  );
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
