import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import KeyvRedis, { createKeyv } from '@keyv/redis';
import { CACHE_MANAGER, CacheModule } from '@nestjs/cache-manager';
import { Test } from '@nestjs/testing';
import { type Cache, createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { LRUCache } from 'lru-cache';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

import { CacheManagerStore, type CacheManagerStoreOptions } from '../../lib/cache-manager/index.js';
import { SystemClock } from '../../lib/memory/system-clock.js';
import { MsgpackrCodec } from '../../lib/msgpackr/index.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { describeStore } from '../../lib/testing/store-contract.js';
import type { StoreUnderTest } from '../../lib/testing/store-under-test.js';
import { keyvOverLru } from './keyv-over-lru.js';

type Source = Pick<CacheManagerStoreOptions, 'cache' | 'stores'>;

/**
 * Its time is moved by hand, so the store never expires items. The entries themselves must know when they have expired.
 */
async function standing(source: Source | Promise<Source>): Promise<StoreUnderTest> {
  const clock = new ManualClock();
  const store = new CacheManagerStore({ clock, codec: new MsgpackrCodec(), prefix: 'test', ...(await source) });
  return { store, advance: (ms) => clock.advance(ms), close: () => store.close() };
}

/** In real time, where the store expires items. */
async function running(source: Source, afterwards = async (): Promise<void> => undefined): Promise<StoreUnderTest> {
  const store = new CacheManagerStore({
    clock: new SystemClock(),
    codec: new MsgpackrCodec(),
    prefix: `test:${randomUUID()}`,
    ...source,
  });
  return {
    store,
    advance: async (ms) => void (await sleep(ms)),
    close: async () => {
      await store.close();
      await afterwards();
    },
  };
}

const framework = { afterEach, beforeEach, describe, expect, it };
const inProcess = { shared: false, fence: 'process' } as const;
const shared = { shared: true, fence: 'process' } as const;

describeStore(
  'the cache of createCache()',
  { create: () => standing({ cache: createCache() }), capabilities: inProcess },
  framework,
);

describeStore('no store at all', { create: () => standing({}), capabilities: inProcess }, framework);

describeStore(
  'new Keyv(), which serialises',
  { create: () => standing({ stores: new Keyv() }), capabilities: inProcess },
  framework,
);

describeStore(
  'an LRUCache behind a Keyv',
  { create: () => standing({ stores: [keyvOverLru(new LRUCache({ max: 10_000 }))] }), capabilities: shared },
  framework,
);

describeStore(
  'the CACHE_MANAGER of a Nest application',
  {
    create: async () => {
      const module = await Test.createTestingModule({ imports: [CacheModule.register()] }).compile();
      return standing({ cache: module.get<Cache>(CACHE_MANAGER) });
    },
    capabilities: inProcess,
  },
  framework,
);

describeStore(
  'a cache that shows nothing but get, set and del',
  {
    create: () => {
      const { get, set, del } = createCache();
      return standing({ cache: { get, set, del } });
    },
    capabilities: shared,
  },
  framework,
);

describeStore(
  '@keyv/redis',
  { create: () => running({ stores: new KeyvRedis(inject('redisUrl')) }), capabilities: shared },
  framework,
);

describeStore(
  'a Keyv on Redis with a namespace, inside of a cache',
  {
    create: () => {
      const cache = createCache({
        stores: [new Keyv({ store: new KeyvRedis(inject('redisUrl')), namespace: 'test' })],
      });
      return running({ cache }, async () => void (await cache.disconnect()));
    },
    capabilities: shared,
  },
  framework,
);

describeStore(
  'memory before Redis',
  { create: () => running({ stores: [new Keyv(), createKeyv(inject('redisUrl'))] }), capabilities: shared },
  framework,
);
