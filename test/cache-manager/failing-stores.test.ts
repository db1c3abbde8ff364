import { createServer, type Server } from 'node:net';
import { once } from 'node:events';

import KeyvRedis, { createKeyv } from '@keyv/redis';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { describe, expect, it } from 'vitest';

import type { CacheManagerStore, CacheManagerStoreOptions } from '../../lib/cache-manager/index.js';
import type { CacheLike } from '../../lib/cache-manager/cache-tier.js';
import { StoreError } from '../../lib/core/errors.js';
import { startRedis } from '../support/redis-server.js';
import { FlakyAdapter } from './flaky-adapter.js';
import { storeOver } from './store-over.js';

const fill = { kind: 'value', value: 1, copyOnRead: false, ttl: 60_000, grace: 0, tags: ['tag'] } as const;
const claim = { lease: 10_000, respectBackoff: true, takeOver: false } as const;

const operations: [string, (store: CacheManagerStore) => unknown][] = [
  ['read', (store) => store.read('key')],
  ['readMany', (store) => store.readMany(['key', 'other'])],
  ['acquire', (store) => store.acquire('key', claim)],
  ['set', (store) => store.set('key', fill)],
  ['invalidate', (store) => store.invalidate('key')],
  ['delete', (store) => store.delete('key')],
  ['invalidateTags', (store) => store.invalidateTags(['tag'])],
  ['deleteTags', (store) => store.deleteTags(['tag'])],
  ['clear', (store) => store.clear()],
];

/** Every way in which a store hides its failure, or does not. */
const silences: [string, (adapter: FlakyAdapter) => Pick<CacheManagerStoreOptions, 'stores' | 'cache'>][] = [
  ['a Keyv that swallows what its store throws', (store) => ({ stores: new Keyv({ store }) })],
  ['a Keyv that throws', (store) => ({ stores: new Keyv({ store, throwOnErrors: true }) })],
  ['a Keyv that emits no errors', (store) => ({ stores: new Keyv({ store, emitErrors: false, throwOnErrors: true }) })],
  ['the store itself', (store) => ({ stores: store })],
  ['a cache', (store) => ({ cache: createCache({ stores: [new Keyv({ store })] }) })],
  [
    'a cache that does not wait for its stores',
    (store) => ({ cache: createCache({ stores: [new Keyv({ store })], nonBlocking: true }) }),
  ],
];

describe.each(silences)('behind %s', (_, source) => {
  describe.each([
    ['throws', {}],
    ['throws, and answers many at once', { many: true }],
    ['only tells of errors, and answers nothing', { many: true, quiet: true }],
    ['only tells of errors, and answers nothing, one by one', { quiet: true }],
  ])('a store that %s', (_how, how) => {
    it.each(operations)('makes %s reject with a StoreError that says why', async (_operation, run) => {
      const adapter = new FlakyAdapter(how);
      const { store, user } = storeOver(source(adapter));
      await user.fetched('key', 'value');
      adapter.down = true;
      await expect(async () => run(store)).rejects.toBeInstanceOf(StoreError);
      await expect(async () => run(store)).rejects.toMatchObject({ cause: { message: 'down' } });
      adapter.down = false;
      expect(await user.served('key')).toBe('value');
    });

    it('makes commit and release reject, which ends the lease all the same', async () => {
      const adapter = new FlakyAdapter(how);
      const { store, user } = storeOver(source(adapter));
      const lease = await user.lease('key');
      adapter.down = true;
      await expect(user.commit(lease, 'value')).rejects.toBeInstanceOf(StoreError);
      adapter.down = false;
      const again = await user.lease('key');
      adapter.down = true;
      await expect(store.release(again, { kind: 'failed', message: '', retryIn: 0 })).rejects.toBeInstanceOf(
        StoreError,
      );
      adapter.down = false;
      expect(await user.commit(await user.lease('key'), 'value')).toBe('stored');
    });
  });
});

describe('a store that', () => {
  it('refuses to store makes set reject', async () => {
    const adapter = new FlakyAdapter({});
    adapter.set = async () => false;
    const { user } = storeOver({ stores: new Keyv({ store: adapter }) });
    await expect(user.set('key', 'value')).rejects.toBeInstanceOf(StoreError);
  });

  it("fails at somebody else's key does not make what is there a failure", async () => {
    const adapter = new FlakyAdapter({ many: true });
    const keyv = new Keyv({ store: adapter });
    const { user } = storeOver({ stores: keyv });
    await user.fetched('key', 'value');
    const reading = user.served('key');
    keyv.emit('error', new Error('of another key'));
    expect(await reading).toBe('value');
  });

  it('has no stores to be asked, but throws, makes operations reject', async () => {
    const down = (): Promise<never> => Promise.reject(new Error('down'));
    const cache: CacheLike = { get: down, set: down, del: down };
    for (const [, run] of operations)
      await expect(async () => run(storeOver({ cache }).store)).rejects.toMatchObject({ code: 'E_STORE' });
  });
});

describe('a tier of memory that fails', () => {
  it('is passed over by readers, and makes writers reject once all tiers were tried', async () => {
    const [near, far] = [new FlakyAdapter({}), new FlakyAdapter({})];
    const { store, user } = storeOver({ stores: [new Keyv({ store: near }), new Keyv({ store: far })] });
    await user.fetched('key', 'value');
    near.down = true;
    expect(await user.served('key')).toBe('value');
    await expect(store.delete('key')).rejects.toBeInstanceOf(StoreError);
    expect(await user.served('key')).toBe(undefined);
  });
});

describe('a Redis that', () => {
  it('dies makes reads reject at once where commands are not queued, and comes back by itself', async () => {
    const server = await startRedis();
    const { store, user } = storeOver({
      stores: createKeyv({ url: server.url, disableOfflineQueue: true, socket: { reconnectStrategy: 20 } }),
    });
    try {
      await user.fetched('key', 'value');
      await server.kill();
      for (const [, run] of operations) await expect(async () => run(store)).rejects.toBeInstanceOf(StoreError);
      await server.restart();
      await expect.poll(() => user.served('key').catch(() => 'failed'), { timeout: 5_000 }).toBe(undefined);
      await user.fetched('key', 'again');
      expect(await user.served('key')).toBe('again');
    } finally {
      await store.close();
      await server.stop();
    }
  });

  it('refuses a connection makes reads reject', async () => {
    const { store } = storeOver({
      stores: createKeyv({ url: `redis://127.0.0.1:${await unusedPort()}` }, { connectionTimeout: 100 }),
    });
    await expect(store.read('key')).rejects.toBeInstanceOf(StoreError);
    await store.close();
  });

  it('is frozen does not keep close from ending, and is not connected to any more', async () => {
    const server = await startRedis();
    const adapter = new KeyvRedis(server.url);
    const { store, user } = storeOver({ stores: adapter });
    try {
      await user.fetched('key', 'value');
      server.freeze();
      const pending = Promise.resolve(store.read('key')).catch((error: unknown) => error);
      const before = performance.now();
      await store.close();
      expect(performance.now() - before).toBeLessThan(2_000);
      expect(adapter.client.isOpen).toBe(false);
      expect(await pending).toBeInstanceOf(Error);
    } finally {
      await server.stop();
    }
  });

  it('never was there does not keep close from ending', async () => {
    const { store } = storeOver({ stores: createKeyv(`redis://127.0.0.1:${await unusedPort()}`) });
    void store.read('key').catch(() => undefined);
    const before = performance.now();
    await store.close();
    expect(performance.now() - before).toBeLessThan(2_000);
  });
});

async function unusedPort(): Promise<number> {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
