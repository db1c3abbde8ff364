import { setTimeout as sleep } from 'node:timers/promises';
import { openLoop } from '../harness/load.mjs';
import { startRedis } from '../harness/redis-server.mjs';

export default {
  order: 12,
  title: 'Reads while Redis is dead, default settings',
  about:
    'Redis is killed after 20 keys were filled. Open loop of 50 reads a second for 3 seconds; an answer within 5 seconds counts.',
  tiers: ['redis', 'near'],
  subjects: [
    'nestjs-async-cache',
    'layered-loader',
    'async-cache-dedupe',
    'cache-manager',
    'cachified',
    'cacheable',
    'bentocache',
  ],
  columns: [
    { key: 'answered', title: '% answered', digits: 1 },
    { key: 'p99', title: 'p99 of the answered, ms' },
  ],
  async measure({ open, quick }) {
    const redis = await startRedis();
    try {
      const cache = await open({ url: redis.url, ttl: 60, stale: 3_600 });
      const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
      for (const key of keys) await cache.get(key);
      await redis.stop();
      await sleep(100);
      const inTime = (index) =>
        Promise.race([
          cache.get(keys[index % 20]),
          sleep(5_000, undefined, { ref: false }).then(() => {
            throw new Error('no answer');
          }),
        ]);
      const { answered, total, p99 } = await openLoop(inTime, { perSecond: 50, seconds: quick ? 1 : 3 });
      return { answered: (100 * answered) / total, ...(answered > 0 ? { p99 } : {}) };
    } finally {
      await redis.stop();
    }
  },
};
