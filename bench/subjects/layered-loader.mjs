import { Redis } from 'ioredis';
import { createNotificationPair, Loader, RedisCache } from 'layered-loader';

/** It has no stale values, but refreshes ahead: the stale period becomes the end of a longer ttl. */
export default {
  name: 'layered-loader',
  tiers: ['memory', 'redis', 'near'],
  cannot: {},
  async open({ tier, url, prefix, ttl, stale, fetch, max }) {
    const times = { ttlInMsecs: (ttl + stale) * 1_000, ttlLeftBeforeRefreshInMsecs: stale * 1_000 };
    const clients = [];
    const client = () => {
      const made = new Redis(url);
      made.on('error', () => undefined);
      clients.push(made);
      return made;
    };
    const options = { dataSourceGetOneFn: (key) => fetch(key), logger: { error: () => undefined } };
    if (tier !== 'redis') options.inMemoryCache = { cacheType: 'lru-map', maxItems: max, ...times };
    if (tier !== 'memory') options.asyncCache = new RedisCache(client(), { json: true, prefix, ...times });
    if (tier === 'near') {
      const pair = createNotificationPair({
        channel: `${prefix}changes`,
        consumerRedis: client(),
        publisherRedis: client(),
      });
      options.notificationConsumer = pair.consumer;
      options.notificationPublisher = pair.publisher;
    }
    const loader = new Loader(options);
    await loader.init?.();
    return {
      get: (key) => loader.get(key),
      method: (argument) => loader.get(argument),
      delete: (key) => loader.invalidateCacheFor(key),
      close: () => clients.forEach((each) => each.disconnect()),
    };
  },
};
