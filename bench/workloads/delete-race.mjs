import { setTimeout as sleep } from 'node:timers/promises';

export default {
  order: 10,
  title: 'Old value back after a delete during a refresh',
  about:
    'Each of 20 keys is deleted while its refresh runs; 0 is right. In Redis and with a near tier the delete comes from another instance, as from another process.',
  tiers: ['memory', 'redis', 'near'],
  subjects: [
    'hand-written',
    'nestjs-async-cache',
    'lru-cache',
    'layered-loader',
    'async-cache-dedupe',
    'cache-manager',
    'cachified',
    'bentocache',
    'cacheable',
    'p-memoize',
  ],
  needs: ['stale', 'delete'],
  columns: [{ key: 'share', title: '% of keys' }],
  async measure({ open, tier }) {
    const origin = { version: 1, delay: 0 };
    const fetch = async (key) => {
      const { version } = origin;
      if (origin.delay > 0) await sleep(origin.delay);
      return { key, version };
    };
    const options = { fetch, ttl: 1, stale: 3_600 };
    const cache = await open(options);
    const other = tier === 'memory' ? cache : await open(options);
    const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
    for (const key of keys) await cache.get(key);
    await sleep(1_200);
    origin.delay = 400;
    for (const key of keys) await cache.get(key);
    await sleep(150);
    origin.version = 2;
    for (const key of keys) await other.delete(key);
    await sleep(600);
    origin.delay = 0;
    const values = await Promise.all(keys.map((key) => other.get(key)));
    return { share: (100 * values.filter((value) => value?.version === 1).length) / keys.length };
  },
};
