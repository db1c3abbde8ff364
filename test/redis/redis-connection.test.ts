import { createServer } from 'node:net';
import { once } from 'node:events';
import { inspect } from 'node:util';

import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';

import { ConfigurationError, StoreError } from '../../lib/core/errors.js';
import { UnacknowledgedLeases } from '../../lib/redis/unacknowledged-leases.js';
import type { RedisConnection } from '../../lib/redis/redis-connection.js';
import { StoreUser } from '../../lib/testing/store-user.js';
import { openRedisStore } from '../support/open-redis-store.js';
import { startProxy } from '../support/proxy.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

const timed = async <T>(run: () => Promise<T>): Promise<[outcome: T | StoreError, ms: number]> => {
  const startedAt = performance.now();
  const outcome = await run().catch((error: unknown) => error as StoreError);
  return [outcome, performance.now() - startedAt];
};

const userOf = (open: { store: ReturnType<typeof openRedisStore>['store'] }): StoreUser =>
  new StoreUser({ store: open.store, advance: async () => undefined, close: async () => undefined });

describe('a connection', () => {
  const { hostname: host, port } = new URL(inject('redisUrl'));

  it.each<[what: string, connection: () => RedisConnection, close?: (connection: RedisConnection) => void]>([
    ['a url', () => inject('redisUrl')],
    ['options', () => ({ host, port: Number(port) })],
    ['options with a url, as BullMQ has them', () => ({ url: inject('redisUrl'), maxRetriesPerRequest: null })],
    ['options that connect late', () => ({ host, port: Number(port), lazyConnect: true, keyPrefix: 'p:' })],
    ['a client', () => new Redis(inject('redisUrl'), { maxRetriesPerRequest: null, keyPrefix: 'p:' })],
    ['a client that is not connected', () => new Redis(inject('redisUrl'), { lazyConnect: true })],
  ])('is made from %s, and answers the first read', async (_, make) => {
    const connection = make();
    const open = openRedisStore(connection);
    expect(await open.store.read('key')).toBeUndefined();
    await userOf(open).fetched('key', 'value');
    expect(await open.client.exists(`${open.prefix}:e:{key}`)).toBe(1);
    await open.store.close();
    expect(open.client.status).toBe('end');
    expect(open.errors).toEqual([]);
    if (connection instanceof Redis) {
      expect(connection.status).not.toBe('end');
      connection.disconnect();
    }
  });

  it('is not made from a client of another library', () => {
    const foreign = { duplicate: () => foreign, connect: () => undefined } as unknown as RedisConnection;
    expect(() => openRedisStore(foreign)).toThrow(ConfigurationError);
  });

  it('keeps the store’s errors with their cause', async () => {
    const open = openRedisStore(inject('redisUrl'));
    await open.store.close();
    const [error] = await timed(() => Promise.resolve(open.store.read('key')));
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ operation: 'read', key: 'key', cause: expect.any(Error) as unknown });
    const results = await Promise.allSettled([
      open.store.set('key', userOf(open).fill(1)),
      open.store.clear(),
      open.store.invalidateTags(['tag']),
      open.store.readMany(['key']),
    ]);
    for (const result of results)
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(StoreError) as unknown });
  });
});

describe('without a server', () => {
  it('refuses soon, starts to work when there is one, and closes at once', async () => {
    const reserved = await startRedis();
    await reserved.kill();
    const open = openRedisStore(reserved.url);
    const [error, ms] = await timed(() => Promise.resolve(open.store.read('key')));
    expect(error).toBeInstanceOf(StoreError);
    expect(ms).toBeLessThan(1_000);
    expect(open.errors.length).toBeGreaterThan(0);
    await reserved.restart();
    await expect.poll(() => open.store.read('key'), { timeout: 3_000 }).toBeUndefined();
    await reserved.stop();
    const [, closing] = await timed(() => open.store.close());
    expect(closing).toBeLessThan(1_000);
  });

  it('that says anything does not wait for ever, and closes', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const open = openRedisStore({ host: '127.0.0.1', port });
    const [error, ms] = await timed(() => Promise.resolve(open.store.read('key')));
    expect(error).toBeInstanceOf(StoreError);
    expect(ms).toBeLessThan(3_000);
    const [, closing] = await timed(() => open.store.close());
    expect(closing).toBeLessThan(1_000);
    silent.close();
  });
});

describe('a server that goes away', () => {
  let server: RedisServer;
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(() => server.stop());

  it('fails what is under way and what comes, at once, and is used again within a second', async () => {
    const open = openRedisStore(server.url);
    const user = userOf(open);
    await user.fetched('key', 'value');
    server.freeze();
    const underWay = timed(() => user.acquire('key'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.kill();
    expect((await underWay)[0]).toBeInstanceOf(StoreError);
    for (const run of [() => user.acquire('key'), () => user.entry('key'), () => user.set('key', 1)]) {
      const [error, ms] = await timed<unknown>(run);
      expect(error).toBeInstanceOf(StoreError);
      expect(ms).toBeLessThan(500);
    }
    await server.restart();
    const [, ms] = await timed(async () => {
      await expect.poll(() => open.store.read('key'), { timeout: 3_000, interval: 10 }).toBeUndefined();
    });
    expect(ms).toBeLessThan(2_000);
    await user.fetched('key', 'value');
    expect(await user.decision('key')).toBe('fresh');
    await open.store.close();
  });

  it.each(['frozen', 'dead'])('lets the store close: %s', async (how) => {
    const open = openRedisStore(server.url);
    await userOf(open).fetched('key', 'value');
    if (how === 'frozen') server.freeze();
    else await server.kill();
    const read = timed(() => Promise.resolve(open.store.read('key')));
    const [, closing] = await timed(() => open.store.close());
    expect(closing).toBeLessThan(1_000);
    expect((await read)[0]).toBeInstanceOf(StoreError);
    const [, again] = await timed(() => open.store.close());
    expect(again).toBeLessThan(300);
  });

  it('loads the scripts again after the server has lost them', async () => {
    const open = openRedisStore(server.url);
    const user = userOf(open);
    await user.fetched('key', 1, { tags: ['tag'] });
    await open.client.script('FLUSH');
    await user.fetched('key', 2, { tags: ['tag'] });
    await open.client.script('FLUSH');
    await open.store.invalidateTags(['tag']);
    expect(await user.decision('key')).toBe('stale');
    await open.store.close();
  });
});

describe('a server that hangs is connected to anew after two seconds', () => {
  const SILENCE = 2_500;
  const SLOW = 3_000;

  it('when it has answered before', async () => {
    const server = await startRedis();
    const proxy = await startProxy(server.port);
    const open = openRedisStore(`redis://127.0.0.1:${String(proxy.port)}`);
    onTestFinished(async () => {
      await open.store.close();
      await proxy.stop();
      await server.stop();
    });
    await userOf(open).fetched('key', 'value');
    proxy.silence();
    const [outcome, ms] = await timed(() => open.store.read('key'));
    expect(outcome).toBeInstanceOf(StoreError);
    expect(ms).toBeLessThan(SILENCE + SLOW);
    await vi.waitFor(async () => expect((await open.store.read('key'))?.value).toBe('value'));
  });

  it('when it never says that it is ready', async () => {
    const server = await startRedis();
    server.freeze();
    const open = openRedisStore(server.url);
    onTestFinished(async () => {
      await open.store.close();
      await server.stop();
    });
    let attempts = 0;
    open.client.on('connect', () => attempts++);
    await vi.waitFor(() => expect(attempts).toBeGreaterThan(1), 2 * SILENCE + SLOW);
    server.thaw();
    await vi.waitFor(async () => expect(await open.store.read('key')).toBeUndefined(), SLOW);
  });
});

describe('a lease whose grant was lost with the connection', () => {
  /** A lease longer than any test waits. */
  const claim = { lease: 60_000, respectBackoff: false, takeOver: false };

  /** Whether another process can fill the key soon after the first one has reconnected. */
  async function isFree(): Promise<boolean> {
    const server = await startRedis();
    const proxy = await startProxy(server.port);
    const open = openRedisStore(`redis://127.0.0.1:${String(proxy.port)}`);
    const other = openRedisStore(server.url, { prefix: open.prefix });
    onTestFinished(async () => {
      await Promise.all([open.store.close(), other.store.close()]);
      await proxy.stop();
      await server.stop();
    });
    for (const { store } of [open, other]) await store.read('key');
    server.freeze();
    const asked = open.store.acquire('key', claim).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 100));
    proxy.cut(...Array(10).keys());
    expect(await asked).toBeInstanceOf(StoreError);
    server.thaw();
    await vi.waitFor(() => open.store.read('key'), 3_000);
    return vi
      .waitFor(async () => expect((await other.store.acquire('key', claim)).kind).toBe('granted'), 1_000)
      .then(
        () => true,
        () => false,
      );
  }

  it('is given back', async () => {
    expect(await isFree()).toBe(true);
  });

  it('and would be in the way until it runs out: the control', async () => {
    const add = vi.spyOn(UnacknowledgedLeases.prototype, 'add').mockImplementation(() => undefined);
    onTestFinished(() => add.mockRestore());
    expect(await isFree()).toBe(false);
  });
});

it('a read that was under way when the connection ended says that, and why', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const { store } = openRedisStore(server.url);
  onTestFinished(() => store.close());
  await store.read('key');
  process.kill(server.pid, 'SIGSTOP');
  const reading = Promise.resolve(store.read('key')).catch(String);
  const acquiring = Promise.resolve(store.invalidate('key')).catch(String);
  process.kill(server.pid, 'SIGKILL');
  for (const failure of await Promise.all([reading, acquiring])) {
    expect(failure).toContain('There is no connection to Redis');
    expect(failure).not.toContain('max retries');
  }
});

it('a failure says why there is no connection, and not with which password', async () => {
  const server = await startRedis();
  const admin = new Redis(server.url);
  onTestFinished(async () => {
    admin.disconnect();
    await server.stop();
  });
  await admin.config('SET', 'requirepass', 'right');
  const { store } = openRedisStore(`redis://:a-wrong-secret@127.0.0.1:${String(server.port)}`);
  onTestFinished(() => store.close());
  const failure = async (): Promise<unknown> => {
    try {
      return await store.read('key');
    } catch (error) {
      return error;
    }
  };
  await vi.waitFor(async () => expect(String(await failure())).toMatch(/WRONGPASS/));
  expect(inspect(await failure(), { depth: Infinity, showHidden: true })).not.toContain('a-wrong-secret');
});
