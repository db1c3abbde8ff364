import { createCache } from 'async-cache-dedupe';
import { Redis } from 'ioredis';

export default {
  name: 'async-cache-dedupe',
  tiers: ['memory', 'redis'],
  cannot: {},
  async open({ tier, url, ttl, stale, fetch, max }) {
    const client = tier === 'redis' ? new Redis(url) : undefined;
    client?.on('error', () => undefined);
    const storage = client ? { type: 'redis', options: { client } } : { type: 'memory', options: { size: max } };
    const cache = createCache({ ttl, stale, storage, onError: () => undefined });
    cache.define('read', (key) => fetch(key));
    return {
      get: (key) => cache.read(key),
      method: (argument) => cache.read(argument),
      delete: (key) => cache.clear('read', key),
      close: () => client?.disconnect(),
    };
  },
};
