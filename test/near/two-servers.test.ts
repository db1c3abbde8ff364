import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { startRedis } from '../support/redis-server.js';
import { readWhile, startTwoApps, untilConsistent } from './outage-apps.js';

const KEYS = ['a', 'b', 'c', 'd'];
const MEMORY = 3_000_000;

it('with a cache that evicts at its memory limit, and a queue that does not evict, everything goes on', async () => {
  const queue = await startRedis({ args: ['--maxmemory-policy', 'noeviction'] });
  const cache = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru', '--maxmemory', String(MEMORY)] });
  const admin = new Redis(cache.url);
  onTestFinished(async () => {
    admin.disconnect();
    await queue.stop();
    await cache.stop();
  });
  const { origin, apps } = await startTwoApps({
    connection: { host: '127.0.0.1', port: queue.port },
    store: { connection: { host: '127.0.0.1', port: cache.port } },
  });
  const filler = async (): Promise<void> => {
    for (let n = 0; n < 3_000; n++) await admin.set(`filler ${String(n)}`, 'x'.repeat(2_000));
  };
  const load = await readWhile(apps, KEYS, async () => {
    await filler();
    await sleep(1_500);
  });
  const evicted = Number(/evicted_keys:(\d+)/.exec(await admin.info('stats'))?.[1]);
  const refreshes = apps.flatMap(({ events }) =>
    events.filter((event) => event.type === 'stored' && event.background),
  ).length;
  const consistent = await untilConsistent(origin, apps, KEYS, 5_000);
  console.log(
    `at the memory limit: ${String(load.reads)} reads, ${String(evicted)} keys evicted, ${String(refreshes)} refreshes, consistent after ${consistent.toFixed(0)} ms`,
  );
  expect(evicted).toBeGreaterThan(100);
  expect(load.failures).toEqual([]);
  expect(load.longest).toBeLessThan(2_000);
  expect(refreshes).toBeGreaterThan(KEYS.length);
  expect(consistent).toBeLessThan(3_500);
  expect(apps.flatMap(({ events }) => events.filter(({ type }) => type.endsWith('-failed')))).toEqual([]);
}, 30_000);
