import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { StoreUser } from '../../lib/testing/store-user.js';
import { openRedisStore, type OpenRedisStore } from '../support/open-redis-store.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

let server: RedisServer;
let opened: OpenRedisStore;
let observer: OpenRedisStore;
let user: StoreUser;

beforeAll(async () => {
  server = await startRedis();
  observer = openRedisStore(server.url);
  await observer.store.read('anything');
});
afterAll(async () => {
  await observer.store.close();
  await server.stop();
});
beforeEach(async () => {
  opened = openRedisStore(server.url);
  user = new StoreUser({ store: opened.store, advance: async () => undefined, close: async () => undefined });
  await user.fetched('key', { id: 1 });
  await user.fetched('other', { id: 2 });
  return () => opened.store.close();
});

/** What the server received: how often it read from the connection, and which commands. */
async function sent(run: () => Promise<unknown>): Promise<Record<string, number>> {
  const client = observer.client as Redis;
  await client.config('RESETSTAT');
  await run();
  const stats = await client.info('commandstats');
  const calls = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, count]) => [name, Number(count)]);
  return Object.fromEntries(calls.filter(([name]) => name !== 'config|resetstat')) as Record<string, number>;
}

describe('commands', () => {
  it('a hit is one', async () => {
    expect(await sent(() => Promise.resolve(opened.store.read('key')))).toEqual({ hmget: 1 });
  });

  it('a miss is one', async () => {
    expect(await sent(() => Promise.resolve(opened.store.read('nothing')))).toEqual({ hmget: 1 });
  });

  it('readers of one turn of the event loop share one, however deep in it', async () => {
    const { store } = opened;
    const later = async (turns: number): Promise<unknown> => {
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      return store.read('key');
    };
    expect(
      await sent(() => Promise.all([later(0), later(1), later(20), store.readMany(['key', 'key', 'other'])])),
    ).toEqual({ hmget: 2 });
  });

  it('a reader that comes after the request was written sends one of its own', async () => {
    const { store } = opened;
    const reads = async (): Promise<void> => {
      const first = store.read('key');
      await new Promise((resolve) => setImmediate(resolve));
      const second = store.read('key');
      await Promise.all([first, second]);
    };
    expect(await sent(reads)).toEqual({ hmget: 2 });
  });

  it('a refresh is two', async () => {
    const { evalsha } = await sent(() => user.fetched('key', { id: 3 }));
    expect(evalsha).toBe(2);
  });

  it('with tags a refresh has one more for each', async () => {
    await user.fetched('key', 1, { tags: ['a', 'b'] });
    const { evalsha } = await sent(() => user.fetched('key', 2, { tags: ['a', 'b'] }));
    expect(evalsha).toBe(4);
  });
});
