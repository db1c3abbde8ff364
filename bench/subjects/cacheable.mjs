import KeyvRedis from '@keyv/redis';
import { Cacheable } from 'cacheable';
import { Keyv } from 'keyv';

export default {
  name: 'cacheable',
  tiers: ['memory', 'near'],
  cannot: { stale: 'cacheable never serves a stale value' },
  async open({ tier, url, prefix, ttl, fetch }) {
    const secondary = tier === 'near' ? new Keyv({ store: new KeyvRedis(url), namespace: prefix }) : undefined;
    secondary?.on('error', () => undefined);
    const cache = new Cacheable({ ...(secondary ? { secondary } : {}), ttl: ttl * 1_000 });
    cache.on?.('error', () => undefined);
    return {
      get: (key) => cache.getOrSet(key, () => fetch(key)),
      delete: (key) => cache.delete(key),
      close: () => cache.disconnect(),
    };
  },
};
