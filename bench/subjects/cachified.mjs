import { cachified } from '@epic-web/cachified';
import { Redis } from 'ioredis';

/** It has no stores of its own: a Map, and an ioredis client with JSON. */
export default {
  name: 'cachified',
  tiers: ['memory', 'redis'],
  cannot: {},
  async open({ tier, url, prefix, ttl, stale, fetch }) {
    const client = tier === 'redis' ? new Redis(url) : undefined;
    client?.on('error', () => undefined);
    const cache = client ? overRedis(client, prefix) : new Map();
    const times = { ttl: ttl * 1_000, swr: stale * 1_000 };
    return {
      get: (key) => cachified({ key, cache, ...times, getFreshValue: () => fetch(key) }),
      delete: (key) => cache.delete(key),
      close: () => client?.disconnect(),
    };
  },
};

function overRedis(client, prefix) {
  return {
    async get(key) {
      const text = await client.get(prefix + key);
      return text === null ? undefined : JSON.parse(text);
    },
    set: (key, entry) => client.set(prefix + key, JSON.stringify(entry)),
    delete: (key) => client.del(prefix + key),
  };
}
