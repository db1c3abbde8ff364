import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { AsyncCacheOptions } from 'nestjs-async-cache';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Outage } from '../../lib/near/outage.js';
import { type Proxy, startProxy } from '../support/proxy.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { type OutageApp, QUICK_TTL, readWhile, startTwoApps, untilConsistent } from './outage-apps.js';

const KEYS = ['a', 'b', 'c', 'd'];
const STORE_TIMEOUT = 500;
/** Milliseconds that a machine which is busy with other work may need. */
const BUSY = 1_500;
const CONSISTENT = 2_000;

let redis: RedisServer;
/** Stands between the applications and `redis` in the tests that want it. */
let proxy: Proxy;
beforeEach(async () => {
  redis = await startRedis({ args: ['--appendonly', 'yes'] });
  proxy = await startProxy(redis.port);
});
afterEach(async () => {
  await proxy.stop();
  await redis.stop();
});

interface Trouble {
  readonly name: string;
  /** Silence is noticed after a second, and a refresh waits half a second for each of the two silent servers. */
  readonly duration?: number;
  begin(): unknown;
  end(): unknown;
}

const configure = async (...settings: string[][]): Promise<void> => {
  const admin = new Redis(redis.url);
  for (const [name = '', value = ''] of settings) await admin.config('SET', name, value);
  admin.disconnect();
};

const flush = async (): Promise<void> => {
  const admin = new Redis(redis.url);
  await admin.flushall();
  admin.disconnect();
};

const TROUBLES: Trouble[] = [
  { name: 'killed, and restarted with its data', begin: () => redis.kill(), end: () => redis.restart() },
  {
    name: 'emptied, killed, and restarted',
    begin: async () => (await flush(), redis.kill()),
    end: () => redis.restart(),
  },
  { name: 'frozen', duration: 2_700, begin: () => redis.freeze(), end: () => redis.thaw() },
  {
    name: 'out of memory',
    begin: () => configure(['maxmemory-policy', 'noeviction'], ['maxmemory', '1']),
    end: () => configure(['maxmemory', '0']),
  },
  { name: 'slow', begin: () => (proxy.delay = 100), end: () => (proxy.delay = 0) },
  {
    name: 'silent behind its network',
    duration: 2_700,
    begin: () => proxy.silence(),
    end: () => proxy.cut(...Array(100).keys()),
  },
];

const viaProxy = (): AsyncCacheOptions => ({ connection: { host: '127.0.0.1', port: proxy.port } });

async function fill(apps: readonly OutageApp[]): Promise<void> {
  for (const { jobs } of apps) for (const job of Object.values(jobs)) for (const key of KEYS) await job.get(key);
}

describe('with the default options, two applications, and a Redis that is', () => {
  it.each(TROUBLES)(
    '$name',
    async ({ name, duration = 1_000, begin, end }) => {
      const { origin, apps } = await startTwoApps(viaProxy());
      await fill(apps);
      const before = origin.fetches.length;
      let consistent = Infinity;
      let during = 0;
      const load = await readWhile(apps, KEYS, async () => {
        await begin();
        await sleep(duration);
        during = origin.fetches.length;
        await end();
        consistent = await untilConsistent(origin, apps, KEYS, 10_000);
      });
      const steady = origin.mostOf('steady', before);
      const quick = origin.fetches.slice(before, during).length / KEYS.length;
      console.log(
        `${name}: ${String(load.reads)} reads, ${String(load.failures.length)} failed, longest ${load.longest.toFixed(0)} ms, ` +
          `consistent after ${consistent.toFixed(0)} ms, fetches of a fresh key ${String(steady)}, of a stale one ${quick.toFixed(1)} in ${String(duration)} ms`,
      );
      expect(load.failures).toEqual([]);
      expect(load.longest).toBeLessThan(STORE_TIMEOUT + BUSY);
      expect(consistent).toBeLessThan(CONSISTENT + BUSY);
      expect(steady).toBeLessThanOrEqual(apps.length + 1);
      // Refreshes continue, and each process has at most one in each ttl.
      expect(quick).toBeGreaterThan(0);
      expect(quick).toBeLessThanOrEqual(apps.length * (duration / QUICK_TTL + 2));
    },
    20_000,
  );
});

it('an origin that fails while Redis is away is asked after a backoff', async () => {
  const { origin, apps } = await startTwoApps(viaProxy());
  // Until the feed is live: copies are taken from then on.
  await sleep(500);
  await fill(apps);
  await sleep(QUICK_TTL);
  origin.failing = true;
  await redis.kill();
  const before = origin.fetches.length;
  const load = await readWhile(apps, KEYS, () => sleep(2_500));
  const most = origin.mostOf('quick', before);
  console.log(
    `failing origin and dead Redis: ${String(load.reads)} reads, fetches of a key ${String(most)} in 2.5 s by two processes`,
  );
  expect(load.failures).toEqual([]);
  // At 0 s and 1 s, and not again before 3 s.
  expect(most).toBeLessThanOrEqual(2 * 2);
  expect(most).toBeGreaterThan(0);
}, 20_000);

describe('what a process kept for itself does not stay', () => {
  it.each([
    ['after an outage in which Redis took no writes', true],
    ['unless nobody looks whether it is over: the control', false],
  ])('%s', async (_, looks) => {
    const act = Outage.prototype.actedAlone;
    if (!looks) Outage.prototype.actedAlone = () => undefined;
    onTestFinished(() => void (Outage.prototype.actedAlone = act));
    const { apps } = await startTwoApps(viaProxy());
    const [one, other] = apps;
    // Until the feed is live.
    await sleep(500);
    const shared = await one.jobs.steady.get('key');
    await configure(['maxmemory', '1']);
    const own = await one.jobs.steady.refresh('key').catch(() => undefined);
    expect(own?.fetch).toBeGreaterThan(shared.fetch);
    expect(await one.jobs.steady.get('key')).toEqual(own);
    expect(await other.jobs.steady.get('key')).toEqual(shared);
    await configure(['maxmemory', '0']);
    await sleep(CONSISTENT);
    expect(await other.jobs.steady.get('key')).toEqual(shared);
    expect(await one.jobs.steady.get('key')).toEqual(looks ? shared : own);
  });
});

describe('with the store and the queue on two servers', () => {
  let cache: RedisServer;
  beforeEach(async () => {
    cache = await startRedis();
  });
  afterEach(() => cache.stop());

  it.each(['queue', 'store'] as const)(
    'and the %s killed',
    async (which) => {
      const away = which === 'queue' ? redis : cache;
      const { origin, apps } = await startTwoApps({
        connection: { host: '127.0.0.1', port: redis.port },
        store: { connection: { host: '127.0.0.1', port: cache.port } },
      });
      await fill(apps);
      const before = origin.fetches.length;
      let during = 0;
      let oldest = 0;
      let consistent = Infinity;
      const load = await readWhile(apps, KEYS, async () => {
        await away.kill();
        await sleep(1_500);
        during = origin.fetches.length;
        for (const { jobs } of apps)
          for (const key of KEYS) oldest = Math.max(oldest, (await jobs.quick.read(key)).age);
        await away.restart();
        consistent = await untilConsistent(origin, apps, KEYS, 10_000);
      });
      const quick = origin.fetches.slice(before, during).length / KEYS.length;
      console.log(
        `${which} killed: ${String(load.reads)} reads, ${String(load.failures.length)} failed, longest ${load.longest.toFixed(0)} ms, ` +
          `consistent after ${consistent.toFixed(0)} ms, fetches of a stale key ${quick.toFixed(1)} in 1,500 ms, oldest value ${oldest.toFixed(2)} s`,
      );
      expect(load.failures).toEqual([]);
      expect(load.longest).toBeLessThan(STORE_TIMEOUT + BUSY);
      expect(consistent).toBeLessThan(CONSISTENT + BUSY);
      expect(quick).toBeLessThanOrEqual(apps.length * (1_500 / QUICK_TTL + 2));
      // Refreshes continue in every process, whether or not another one could take the request.
      expect(oldest).toBeLessThan(1.2);
    },
    20_000,
  );
});
