import { Redis } from 'ioredis';
import { timeWithRedis } from '../harness/load.mjs';
import { documentOf } from '../harness/values.mjs';

const SIZES = { '1 KiB': 1_024, '100 KiB': 102_400 };

export default {
  order: 4,
  title: 'Fresh hit in Redis, without a near tier',
  about:
    'Microseconds of a read, one after the other and 64 at once (of different keys): of computing, in the process and in Redis together, and of the wall clock.',
  tiers: ['redis'],
  subjects: [
    'ioredis-get',
    'ioredis',
    'nestjs-async-cache',
    'layered-loader',
    'async-cache-dedupe',
    'cache-manager',
    'nest-cache-manager',
    'cachified',
    'bentocache',
  ],
  quickly: [{ size: '1 KiB' }],
  variants: Object.keys(SIZES).map((size) => ({ size })),
  limit: 'ioredis',
  columns: [
    { key: 'cpu', title: 'computing', digits: 1, ratio: true },
    { key: 'wall', title: 'wall clock', digits: 1, ratio: true },
    { key: 'cpu64', title: 'computing, 64 at once', digits: 1, ratio: true },
    { key: 'wall64', title: 'wall clock, 64 at once', digits: 1, ratio: true },
  ],
  async measure({ open, quick, variant, url }) {
    const bytes = SIZES[variant.size];
    const cache = await open({ fetch: async () => documentOf(bytes) });
    const client = new Redis(url);
    const keys = Array.from({ length: 64 }, (_, index) => `key-${index}`);
    for (const key of keys) await (cache.fill ?? cache.get)(key);
    const ms = quick ? 30 : 80;
    const alone = await timeWithRedis((index) => cache.get(keys[index % 64]), { ms, client });
    const all = () => Promise.all(keys.map((key) => cache.get(key)));
    const together = await timeWithRedis(all, { ms, client });
    return { ...alone, cpu64: together.cpu / 64, wall64: together.wall / 64 };
  },
};
