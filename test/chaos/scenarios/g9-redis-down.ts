import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Cluster } from '../cluster/cluster.js';
import { percentile } from '../cluster/patience.js';
import { read, type Load } from './readings.js';
import { type Measured, newKeys, type Scenario } from './scenario.js';

const JOB = 'plain';
const KEYS = 20;
const STORE_TIMEOUT = 500;
const READERS = 8;

interface Trouble {
  readonly name: string;
  begin(cluster: Cluster): Promise<void>;
  end(cluster: Cluster): Promise<void>;
  /** Milliseconds that a read may take, apart from the work of the machine. */
  readonly bound: number;
}

const dead: Trouble = {
  name: 'killed, then restarted empty',
  begin: ({ redis }) => redis.kill(),
  end: ({ redis }) => redis.restart(),
  bound: STORE_TIMEOUT,
};
const frozen: Trouble = {
  name: 'frozen',
  begin: async ({ redis }) => redis.freeze(),
  end: async ({ redis }) => redis.thaw(),
  bound: STORE_TIMEOUT,
};
const emptied: Trouble = {
  name: 'restarted empty at once',
  begin: ({ redis }) => redis.restart(),
  end: async () => undefined,
  bound: STORE_TIMEOUT,
};
const outOfMemory: Trouble = {
  name: 'out of memory (noeviction)',
  begin: (cluster) => configure(cluster, '1'),
  end: (cluster) => configure(cluster, '0'),
  bound: STORE_TIMEOUT,
};

/** Lets nothing through for 100 ms, then everything that waited. */
class Slow implements Trouble {
  readonly name = 'slow: 100 ms of silence again and again';
  readonly bound = STORE_TIMEOUT;
  #over = Promise.resolve();
  #ended = false;

  async begin({ redis }: Cluster): Promise<void> {
    this.#ended = false;
    this.#over = (async () => {
      while (!this.#ended) {
        redis.freeze();
        await sleep(100);
        redis.thaw();
        await sleep(20);
      }
    })();
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#over;
  }
}

export const redisDown: readonly Scenario[] = [false, true].flatMap((near) =>
  [dead, frozen, emptied, outOfMemory, new Slow()].map((trouble): Scenario => {
    return {
      guarantee: 'G9',
      title: `Redis ${trouble.name}, near tier ${near ? 'on' : 'off'}`,
      limit: '100 % answered, p99 ≤ 510 ms, consistent ≤ 2 s',
      cluster: { webs: 2, workers: 1, jobs: ['plain'], near },
      size: { short: 1_000, long: 10_000 },
      measure: (own, size) => measureOutage(own, trouble, size),
      ...(near ? {} : controlOf(trouble)),
      onlyLong: near && trouble !== dead && trouble !== frozen,
    };
  }),
);

function controlOf(trouble: Trouble): Pick<Scenario, 'control'> {
  if (trouble === frozen) {
    const without = 'the deadline of the store';
    return { control: { without, cluster: { webs: 1, storeTimeout: '1h' }, size: 500 } };
  }
  if (trouble === dead) {
    return { control: { without: 'the return to the store', cluster: { webs: 1, sabotage: 'no-return' }, size: 800 } };
  }
  return {};
}

async function measureOutage(cluster: Cluster, trouble: Trouble, ms: number): Promise<Measured> {
  const { origin, all } = cluster;
  const keys = newKeys(KEYS);
  await Promise.all(keys.map((key) => all[0]!.call('set', JOB, key, origin.valueOf(key))));
  for (const process of all) await Promise.all(keys.map((key) => read(process, JOB, key)));
  await trouble.begin(cluster);
  const loads = await Promise.all(
    all.map((process) =>
      answeredWithin(process.call<Load>('load', JOB, keys, { readers: READERS, ms, pause: 5 }), ms + 3_000),
    ),
  );
  await trouble.end(cluster);
  const back = performance.now();
  const consistent = await untilConsistent(cluster, keys, back);
  const answered = loads.every((load) => load !== undefined && load.failed === 0);
  // For hanging readers, only the first read counts.
  const waits = loads.flatMap((load) => load?.waits ?? Array.from({ length: READERS }, () => Infinity));
  const p99 = percentile(waits, 99);
  const share = loads.some((load) => load === undefined) ? 'not all' : answered ? '100 %' : 'with errors';
  const seconds = consistent === undefined ? 'never' : `${(consistent / 1_000).toFixed(2)} s`;
  return {
    n: waits.length,
    number: `${share} answered, p99 ${p99.toFixed(0)} ms, consistent after ${seconds}`,
    holds: answered && p99 < trouble.bound + 1_000 && consistent !== undefined,
    exact: answered && p99 <= trouble.bound + 10 && consistent !== undefined && consistent <= 2_000,
  };
}

/** Undefined when the reads hang. */
function answeredWithin(load: Promise<Load>, ms: number): Promise<Load | undefined> {
  return Promise.race([load, sleep(ms, undefined)]);
}

/** Milliseconds until a value that one process sets is read by all others, for every key. */
async function untilConsistent(
  { origin, all }: Cluster,
  keys: readonly string[],
  since: number,
): Promise<number | undefined> {
  const [first, ...others] = all;
  while (performance.now() - since < 6_000) {
    const agreed = await Promise.all(
      keys.map(async (key) => {
        origin.write(key);
        try {
          await first!.call('set', JOB, key, origin.valueOf(key));
          await sleep(20);
          const readings = await Promise.all(others.map((process) => read(process, JOB, key)));
          return readings.every(
            ({ value, status }) => status === 'hit' && value.version === origin.versionOf(key) && value.fetch === 0,
          );
        } catch {
          return false;
        }
      }),
    );
    if (agreed.every(Boolean)) return performance.now() - since;
    await sleep(20);
  }
  return undefined;
}

async function configure({ redis }: Cluster, maxmemory: string): Promise<void> {
  const client = new Redis(redis.url);
  await client.config('SET', 'maxmemory', maxmemory);
  client.disconnect();
}
