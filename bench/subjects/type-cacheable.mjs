import { Cacheable } from '@type-cacheable/core';
import { LRUCache } from 'lru-cache';
import { decorateMethod } from '../harness/decorate.mjs';

/** With a client over lru-cache, as its own adapter package has it. */
export default {
  name: '@type-cacheable/core',
  tiers: ['memory'],
  cannot: { stale: 'type-cacheable never serves a stale value' },
  open({ ttl, fetch, max }) {
    const cache = new LRUCache({ max, ttl: ttl * 1_000 });
    const client = {
      get: async (key) => cache.get(key),
      set: async (key, value) => void cache.set(key, value),
      del: async (key) => Number(cache.delete(key)),
      getTTL: async (key) => cache.getRemainingTTL(key),
      keys: async () => [...cache.keys()],
      keyExists: async (key) => cache.has(key),
      delHash: async () => 0,
      delKeysMatching: async () => 0,
      flushAll: async () => cache.clear(),
      ttl: async (key) => cache.getRemainingTTL(key),
      getClientTTL: () => ttl,
    };
    class Service {
      async read(argument) {
        return fetch(argument);
      }
    }
    decorateMethod(Service.prototype, 'read', [Cacheable({ client, cacheKey: undefined, ttlSeconds: ttl })]);
    const service = new Service();
    return {
      get: (key) => service.read(key),
      method: (argument) => service.read(argument),
      close: () => undefined,
    };
  },
};
