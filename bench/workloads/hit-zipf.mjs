import { timeCalls, zipf } from '../harness/load.mjs';

export default {
  order: 2,
  title: 'Fresh hit in memory, 10,000 keys, few of them often (Zipf)',
  about: 'Nanoseconds of computing for an awaited read. 200,000 reads in one order that all subjects share.',
  tiers: ['memory'],
  subjects: [
    'map',
    'hand-written',
    'nestjs-async-cache',
    'lru-cache',
    'layered-loader',
    'async-cache-dedupe',
    'p-memoize',
    'cache-manager',
    'cachified',
    'cacheable',
    'bentocache',
  ],
  limit: 'map',
  columns: [{ key: 'ns', title: 'ns', ratio: true }],
  async measure({ open, quick }) {
    const keys = Array.from({ length: 10_000 }, (_, index) => `key-${(index * 7_919) % 10_000}`);
    const cache = await open();
    for (const key of keys) await (cache.fill ?? cache.get)(key);
    const order = zipf(keys, 200_000);
    return { ns: await timeCalls((index) => cache.get(order[index % order.length]), { ms: quick ? 20 : 60 }) };
  },
};
