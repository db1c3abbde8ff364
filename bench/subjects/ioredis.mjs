import { Redis } from 'ioredis';

/** The limit: the least that any cache on Redis must do. */
function subject(name, decode) {
  return {
    name,
    tiers: ['redis'],
    cannot: { stale: 'no time', cold: 'fetches nothing', delete: 'fetches nothing' },
    async open({ url, prefix, fetch, ttl }) {
      const client = new Redis(url);
      client.on('error', () => undefined);
      return {
        get: async (key) => decode(await client.get(prefix + key)),
        fill: async (key) => client.set(prefix + key, JSON.stringify(await fetch(key)), 'EX', ttl),
        close: () => client.disconnect(),
      };
    },
  };
}

export const get = subject('ioredis GET', (text) => text);
export default subject('ioredis GET + JSON.parse', (text) => JSON.parse(text));
