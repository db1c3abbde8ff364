import { LRUCache } from 'lru-cache';

export default {
  name: 'lru-cache fetch',
  tiers: ['memory'],
  cannot: {},
  open({ ttl, fetch, max }) {
    // It keeps a stale value for as long as there is room.
    const cache = new LRUCache({ max, ttl: ttl * 1_000, allowStale: true, fetchMethod: (key) => fetch(key) });
    return {
      get: (key) => cache.fetch(key),
      method: (argument) => cache.fetch(argument),
      delete: (key) => cache.delete(key),
      close: () => cache.clear(),
    };
  },
};
