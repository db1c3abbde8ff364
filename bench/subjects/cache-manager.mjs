import KeyvRedis from '@keyv/redis';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';

/** `refreshThreshold`: below so much time left, `wrap` refreshes in the background. The stale period becomes this end. */
export default {
  name: 'cache-manager wrap',
  tiers: ['memory', 'redis', 'near'],
  cannot: {},
  async open({ tier, url, prefix, ttl, stale, fetch }) {
    const stores = [];
    if (tier !== 'redis') stores.push(new Keyv());
    if (tier !== 'memory') stores.push(new Keyv({ store: new KeyvRedis(url), namespace: prefix }));
    for (const store of stores) store.on('error', () => undefined);
    const cache = createCache({ stores, ttl: (ttl + stale) * 1_000, refreshThreshold: stale * 1_000 });
    return {
      get: (key) => cache.wrap(key, () => fetch(key)),
      delete: (key) => cache.del(key),
      close: () => cache.disconnect(),
    };
  },
};
