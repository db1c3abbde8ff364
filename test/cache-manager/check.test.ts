import { createKeyv } from '@keyv/redis';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { LRUCache } from 'lru-cache';
import { describe, expect, inject, it } from 'vitest';

import type { CacheManagerStoreOptions } from '../../lib/cache-manager/index.js';
import { ConfigurationError, StoreError } from '../../lib/core/errors.js';
import { startRedis } from '../support/redis-server.js';
import { FlakyAdapter } from './flaky-adapter.js';
import { keyvOverLru } from './keyv-over-lru.js';
import { storeOver } from './store-over.js';

type Source = Pick<CacheManagerStoreOptions, 'stores' | 'cache'>;

const wordless = { get: async () => undefined, set: async () => undefined, del: async () => true };

function keyvWith(but: Partial<FlakyAdapter>): Keyv {
  return new Keyv({ store: Object.assign(new FlakyAdapter({}), but) });
}

describe('check', () => {
  it.each<[string, () => Source]>([
    ['a cache', () => ({ cache: createCache() })],
    ['a Keyv', () => ({ stores: new Keyv() })],
    ['a Map behind a Keyv', () => ({ stores: new Keyv({ store: new Map() }) })],
    ['no store', () => ({ stores: [] })],
    ['a wrapped LRUCache', () => ({ stores: keyvOverLru(new LRUCache({ max: 10 })) })],
    ['Redis', () => ({ stores: createKeyv(inject('redisUrl')) })],
    ['a namespace equal to the prefix', () => ({ stores: new Keyv({ namespace: 'app' }) })],
    [
      'a namespace equal to the prefix, and a store that is asked for many at once',
      () => ({ stores: new Keyv({ store: new FlakyAdapter({ many: true }), namespace: 'app' }) }),
    ],
    ['a cache that shows only three methods', () => ({ cache: { ...wordless, ...createCache(), stores: undefined } })],
  ])('is content with %s, and leaves nothing behind', async (_, source) => {
    const { store } = storeOver(source());
    expect(await store.check()).toEqual({ kind: 'works' });
    await store.close();
  });

  it.each<[string, () => Source, RegExp]>([
    [
      'an LRUCache, which wants options where Keyv gives a number',
      () => ({ stores: new Keyv({ store: new LRUCache({ max: 10 }) }) }),
      /cannot store anything/,
    ],
    ['an LRUCache without a Keyv', () => ({ stores: new LRUCache({ max: 10 }) as never }), /cannot store anything/],
    ['a store that stores nothing', () => ({ stores: keyvWith({ set: async () => undefined }) }), /stores nothing/],
    ['a cache that stores nothing', () => ({ cache: wordless }), /stores nothing/],
    [
      'a store that keeps half',
      () => ({
        stores: new Keyv({ serialize: (data) => JSON.stringify({ ...data, value: String(data.value).slice(0, 9) }) }),
      }),
      /something other than what was stored/,
    ],
    ['a store that never deletes', () => ({ stores: keyvWith({ delete: async () => true }) }), /does not delete/],
    [
      'a second store that stores nothing',
      () => ({ stores: [new Keyv(), keyvWith({ set: async () => undefined })] }),
      /stores nothing/,
    ],
  ])('refuses %s', async (_, source, what) => {
    const { store } = storeOver(source());
    const refused = await store.check().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(ConfigurationError);
    expect(refused).toMatchObject({
      message: expect.stringMatching(what),
      remedy: expect.stringContaining('keyv 5.6'),
    });
  });

  it.each<[string, () => Promise<Source> | Source]>([
    ['throws', () => ({ stores: keyvWith({ down: true }) })],
    [
      'is quiet',
      () => ({ stores: new Keyv({ store: Object.assign(new FlakyAdapter({ quiet: true }), { down: true }) }) }),
    ],
    [
      'cannot be written to',
      () => ({ stores: keyvWith({ set: () => Promise.reject(new Error('OOM command not allowed')) }) }),
    ],
    ['cannot be read', () => ({ stores: keyvWith({ get: () => Promise.reject(new Error('LOADING')) }) })],
    ['never answers', () => ({ stores: keyvWith({ get: () => new Promise(() => undefined) }) })],
    ['is a Redis that is not there', () => ({ stores: createKeyv('redis://127.0.0.1:1') })],
    ['has a cache that throws', () => ({ cache: { get: fail, set: fail, del: fail } })],
  ])('goes on without a store that %s', async (_, source) => {
    const { store } = storeOver(await source());
    expect(await store.check(200)).toEqual({ kind: 'unreachable', error: expect.any(StoreError) });
    await store.close();
  });

  it('goes on without a Redis that is frozen', async () => {
    const server = await startRedis();
    server.freeze();
    const { store } = storeOver({ stores: createKeyv(server.url) });
    expect(await store.check(200)).toMatchObject({ kind: 'unreachable', error: { code: 'E_STORE_TIMEOUT' } });
    await server.stop();
    await store.close();
  });

  it('reports the mistake when another store is unreachable', async () => {
    const { store } = storeOver({ stores: [keyvWith({ down: true }), keyvWith({ set: async () => undefined })] });
    await expect(store.check()).rejects.toBeInstanceOf(ConfigurationError);
  });
});

describe('the constructor', () => {
  it.each([
    ['what is no store', { stores: { get: 1 } as never }, /stores\[0\]/],
    ['a list with what is no store', { stores: [new Keyv(), {} as never] }, /stores\[1\]/],
    ['what is no cache', { cache: { get: fail } as never }, /no method set/],
  ])('refuses %s', (_, source, what) => {
    expect(() => storeOver(source)).toThrow(ConfigurationError);
    expect(() => storeOver(source)).toThrow(what);
  });

  it('finds out whether other processes see the entries, unless the option says so', () => {
    expect(storeOver({ stores: new Keyv() }).store.capabilities).toEqual({ shared: false, fence: 'process' });
    expect(storeOver({ stores: [new Keyv(), createKeyv(inject('redisUrl'))] }).store.capabilities.shared).toBe(true);
    expect(storeOver({ stores: keyvOverLru(new LRUCache({ max: 10 })), shared: false }).store.capabilities.shared).toBe(
      false,
    );
  });
});

async function fail(): Promise<never> {
  return Promise.reject(new Error('down'));
}
