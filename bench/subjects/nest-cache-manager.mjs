import 'reflect-metadata';
import KeyvRedis from '@keyv/redis';
import { CACHE_MANAGER, CacheModule } from '@nestjs/cache-manager';
import { Test } from '@nestjs/testing';
import { Keyv } from 'keyv';

/** `wrap` of the cache that Nest's own module provides. Its interceptor is measured by the workload `http`. */
export default {
  name: '@nestjs/cache-manager wrap',
  tiers: ['memory', 'redis', 'near'],
  cannot: {},
  async open({ tier, url, prefix, ttl, stale, fetch }) {
    const stores = [];
    if (tier !== 'redis') stores.push(new Keyv());
    if (tier !== 'memory') stores.push(new Keyv({ store: new KeyvRedis(url), namespace: prefix }));
    for (const store of stores) store.on('error', () => undefined);
    const application = await Test.createTestingModule({
      imports: [CacheModule.register({ stores, ttl: (ttl + stale) * 1_000, refreshThreshold: stale * 1_000 })],
    })
      .setLogger(false)
      .compile();
    await application.init();
    const cache = application.get(CACHE_MANAGER);
    return {
      get: (key) => cache.wrap(key, () => fetch(key)),
      delete: (key) => cache.del(key),
      close: () => application.close(),
    };
  },
};
