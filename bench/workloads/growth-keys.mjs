import { Redis } from 'ioredis';
import { bytesInUse, cpuTime, timeCalls, wallTime, zipf } from '../harness/load.mjs';
import { smallObject } from '../harness/values.mjs';

export default {
  order: 15,
  title: 'Cost as the number of keys grows',
  about:
    'A read (Zipf over all keys; nanoseconds of computing in memory, of the wall clock in Redis), bytes per entry (of heap, or of `used_memory` of Redis), and milliseconds to invalidate a tag that 100 of the entries have.',
  tiers: ['memory', 'redis'],
  subjects: ['nestjs-async-cache', 'map', 'lru-cache', 'ioredis'],
  quickly: [{ keys: 1_000 }, { keys: 10_000 }],
  variants: [1_000, 10_000, 100_000, 1_000_000].map((keys) => ({ keys })),
  growsWith: 'keys',
  flags: ['--max-old-space-size=3072'],
  limit: ({ tier }) => (tier === 'memory' ? 'map' : 'ioredis'),
  columns: [
    { key: 'ns', title: 'ns a read', ratio: true },
    { key: 'bytes', title: 'bytes per entry', ratio: true },
    { key: 'tagMs', title: 'ms, tag of 100', digits: 2 },
  ],
  async measure({ open, tier, variant: { keys: count }, url }) {
    const names = Array.from({ length: count }, (_, index) => `key-${index}`);
    const step = count / 100;
    const tags = (value) => (Number(value.id.slice(4)) % step === 0 ? ['hundred'] : []);
    const fetch = async (key) => smallObject(key);
    const cache = await open({ fetch, job: { tags } });
    const client = tier === 'redis' ? new Redis(url) : undefined;
    const used = async () => (client ? Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]) : bytesInUse());
    const before = await used();
    const fill = cache.fill ?? cache.get;
    for (let index = 0; index < count; index += 250) {
      await Promise.all(names.slice(index, index + 250).map((key) => fill(key)));
    }
    const bytes = ((await used()) - before) / count;
    const order = zipf(names, 100_000);
    const clock = tier === 'memory' ? cpuTime : wallTime;
    const ns = await timeCalls((index) => cache.get(order[index % order.length]), { clock });
    const startedAt = wallTime();
    await cache.invalidateTags?.('hundred');
    const tagMs = cache.invalidateTags === undefined ? {} : { tagMs: (wallTime() - startedAt) / 1e6 };
    return { ns, bytes, ...tagMs };
  },
};
