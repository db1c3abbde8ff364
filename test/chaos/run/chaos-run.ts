import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Bounds, ChaosLog, LoggedEnding, LoggedFetch } from '../checker/chaos-log.js';
import type { CacheProcess } from '../cluster/cache-process.js';
import { Cluster } from '../cluster/cluster.js';
import { inLanes } from '../cluster/patience.js';
import { read } from '../scenarios/readings.js';
import { planFaults } from './fault-plan.js';
import { FaultPlayer } from './fault-player.js';
import { Random } from './random.js';
import { type Place, Traffic } from './traffic.js';

const KEYS = 24;
const OFFSETS = [0, 15, -15];
/** Milliseconds without faults at the end of a run. */
const CALM = 12_000;
/**
 * Milliseconds that a key may need to recover when everything works again, so that a lost request can be made once
 * more.
 */
const RECOVERY = 15_000;

export interface ChaosOptions {
  readonly seed: number;
  readonly ms: number;
  /** What the processes do wrong on purpose. */
  readonly sabotage?: string | undefined;
}

/** Every other run has copies in its processes, and excuses more because of them. The others do not excuse that. */
function hasNearTier(seed: number): boolean {
  return seed % 2 === 1;
}

function boundsOf(seed: number): Bounds {
  // Of the jobs `brief` and `briefTagged`.
  return {
    ttl: 1_000,
    grace: 20_000,
    lease: 3_000,
    refreshTimeout: 3_000,
    fetchTimeout: 5_000,
    near: hasNearTier(seed),
  };
}

/** The seed decides the same in every run of it; what real processes make of it differs. */
export async function runChaos({ seed, ms, sabotage }: ChaosOptions): Promise<ChaosLog> {
  const random = new Random(seed);
  const near = hasNearTier(seed);
  const turn = Math.floor(random.next() * OFFSETS.length);
  const cluster = await Cluster.start({
    webs: 3,
    workers: 2,
    jobs: ['brief', 'briefTagged'],
    near,
    concurrency: 10,
    ownQueue: true,
    clockOffsets: [...OFFSETS.slice(turn), ...OFFSETS.slice(0, turn)],
    ...(sabotage === undefined ? {} : { sabotage }),
  });
  try {
    const { origin } = cluster;
    const delays = random.split();
    origin.delay = () => (delays.next() < 0.05 ? delays.between(500, 1_500) : delays.between(1, 60));
    const places = placesOf();
    const faults = new FaultPlayer(cluster);
    const traffic = new Traffic(cluster, places, random.split());
    traffic.start();
    const began = performance.now();
    await faults.play(planFaults(random.split(), ms - CALM));
    // Only in quiet times can it be said what is late.
    await sleep(Math.max(CALM, began + ms - performance.now()));
    await traffic.stop();
    const endedAt = performance.now();
    const endings = await inLanes(places, places.length, (place) => endingsOf(cluster, place));
    const leftovers = await leftoversOf(cluster);
    return {
      bounds: boundsOf(seed),
      fetches: origin.fetches.map(({ keys: [key = ''], ...fetch }): LoggedFetch => ({ ...fetch, key })),
      reads: traffic.reads,
      changes: traffic.changes,
      faults: faults.log,
      endings: endings.flat(),
      leftovers,
      endedAt,
    };
  } finally {
    await cluster.stop();
  }
}

function placesOf(): Place[] {
  return Array.from({ length: KEYS }, (_, index) => ({
    job: index % 2 === 0 ? 'brief' : 'briefTagged',
    key: `k${index}`,
  }));
}

async function endingsOf({ origin, all }: Cluster, { job, key }: Place): Promise<LoggedEnding[]> {
  const current = origin.versionOf(key);
  return Promise.all(
    all.map(async (process) => ({
      process: process.name,
      key,
      current,
      version: await lastVersion(process, job, key, current),
    })),
  );
}

async function lastVersion(
  process: CacheProcess,
  job: string,
  key: string,
  current: number,
): Promise<number | undefined> {
  const deadline = performance.now() + RECOVERY;
  for (;;) {
    const version = await read(process, job, key).then(
      ({ value }) => value.version,
      () => undefined,
    );
    if (version === current || performance.now() > deadline) return version;
    await sleep(100);
  }
}

/** What is left when nobody reads any more. Waits first for running work to end. */
async function leftoversOf({ redis, queueRedis }: Cluster): Promise<ChaosLog['leftovers']> {
  const store = new Redis(redis.url);
  const queue = new Redis(queueRedis.url);
  try {
    const deadline = performance.now() + RECOVERY;
    for (;;) {
      const leases = await store.keys('async-cache:l:*');
      const deduplicated = await queue.keys('async-cache:queue:async-cache:de:*');
      const counts = await Promise.all([
        ...['wait', 'active'].map((list) => queue.llen(`async-cache:queue:async-cache:${list}`)),
        queue.zcard('async-cache:queue:async-cache:delayed'),
      ]);
      const waiting = ['wait', 'active', 'delayed'].flatMap((name, index) =>
        counts[index] === 0 ? [] : `${counts[index]} ${name}`,
      );
      const requests = [...deduplicated, ...waiting];
      if (leases.length + requests.length === 0 || performance.now() > deadline) return { leases, requests };
      await sleep(200);
    }
  } finally {
    store.disconnect();
    queue.disconnect();
  }
}
