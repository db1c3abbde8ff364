import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { StoreUser } from '../../lib/testing/store-user.js';
import { openRedisStore } from '../support/open-redis-store.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { openNearStore, type OpenNearStore } from './open-near-store.js';

let server: RedisServer;
let open: OpenNearStore;
let own: StoreUser;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  open = await openNearStore(server.url);
  own = new StoreUser({ store: open.near, advance: sleep, close: async () => undefined });
  return () => open.near.close();
});

/** How often the server was asked for an entry meanwhile. */
async function asked(run: () => Promise<unknown>): Promise<number> {
  const client = open.client as Redis;
  await client.config('RESETSTAT');
  await run();
  await sleep(50);
  const stats = await client.info('commandstats');
  return Number(/^cmdstat_hmget:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
}

/** Without the calls of scripts, which the server counts as well. */
async function byReaders(run: () => Promise<unknown>, inScripts: number): Promise<number> {
  return (await asked(run)) - inScripts;
}

it('100 reads of a copy are none', async () => {
  await own.fetched('key', 'value');
  await sleep(50);
  expect(
    await asked(async () => {
      for (let read = 0; read < 100; read++) expect(await own.served('key')).toBe('value');
    }),
  ).toBe(0);
});

it('100 reads right after an own fill are the one that takes the copy anew', async () => {
  await own.fetched('warm up the scripts', 'value');
  const lease = await own.lease('key');
  // `commit` reads no entry.
  const questions = await byReaders(async () => {
    await own.commit(lease, 'value');
    for (let read = 0; read < 100; read++) {
      expect(await own.served('key')).toBe('value');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }, 0);
  expect(questions).toBeLessThanOrEqual(1);
});

it('100 reads without copies are 100: the control', async () => {
  const { store } = openRedisStore(server.url, { prefix: open.prefix });
  const user = new StoreUser({ store, advance: sleep, close: async () => undefined });
  await user.fetched('key', 'value');
  expect(
    await asked(async () => {
      for (let read = 0; read < 100; read++) await user.served('key');
    }),
  ).toBe(100);
  await store.close();
});
