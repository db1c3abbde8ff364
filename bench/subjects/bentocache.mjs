import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis';
import { Redis } from 'ioredis';

export default {
  name: 'bentocache',
  tiers: ['memory', 'redis', 'near'],
  cannot: {},
  async open({ tier, url, prefix, ttl, stale, fetch, max }) {
    const clients = [];
    const client = () => {
      const made = new Redis(url);
      made.on('error', () => undefined);
      clients.push(made);
      return made;
    };
    let store = bentostore();
    if (tier !== 'redis') store = store.useL1Layer(memoryDriver({ maxItems: max }));
    if (tier !== 'memory') store = store.useL2Layer(redisDriver({ connection: client(), prefix }));
    if (tier === 'near') {
      const { host, port } = client().options;
      store = store.useBus(redisBusDriver({ connection: { host, port } }));
    }
    const bento = new BentoCache({ default: 'bench', stores: { bench: store } });
    // `timeout: 0`: a stale value is returned at once, and the factory goes on in the background.
    const options = { ttl: `${ttl}s`, grace: `${ttl + stale}s`, timeout: 0 };
    return {
      get: (key) => bento.getOrSet({ key, factory: () => fetch(key), ...options }),
      delete: (key) => bento.delete({ key }),
      async close() {
        for (const each of clients) each.disconnect();
      },
    };
  },
};
