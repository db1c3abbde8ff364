import { timeCalls } from '../harness/load.mjs';

export default {
  order: 1,
  title: 'Fresh hit in memory, one hot string key',
  about: 'Nanoseconds of computing for an awaited read.',
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
    'nest-cache-manager',
    'cachified',
    'cacheable',
    'bentocache',
    'type-cacheable',
  ],
  limit: 'map',
  columns: [{ key: 'ns', title: 'ns', ratio: true }],
  async measure({ open, quick }) {
    const cache = await open();
    await (cache.fill ?? cache.get)('hot-key');
    return { ns: await timeCalls(() => cache.get('hot-key'), { ms: quick ? 20 : 60 }) };
  },
};
