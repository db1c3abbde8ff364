import { setImmediate as nextTurn } from 'node:timers/promises';
import { bytesInUse, cpuTime } from '../harness/load.mjs';
import { smallObject } from '../harness/values.mjs';

const KEYS = 100_000;

export default {
  order: 9,
  title: 'Filling 100,000 keys in memory, and what an entry weighs',
  about:
    'Values are objects of about 100 bytes of JSON. Milliseconds of computing to fill all keys, one after the other and 100 at once; bytes of heap per entry, keys and values included.',
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
  columns: [
    { key: 'one', title: 'ms, one by one', ratio: true },
    { key: 'together', title: 'ms, 100 at once', ratio: true },
    { key: 'bytes', title: 'bytes per entry', ratio: true },
  ],
  async measure({ open, quick }) {
    const count = quick ? KEYS / 10 : KEYS;
    const factor = KEYS / count;
    const fetch = async (key) => smallObject(key);
    await filled(await open({ fetch }), 5_000, 'warm', 1);
    const one = await timed(await open({ fetch }), count, 1);
    const together = await timed(await open({ fetch }), count, 100);
    const cache = await open({ fetch });
    const before = await bytesInUse();
    await filled(cache, count, 'weighed', 100);
    const bytes = (await bytesInUse()) - before;
    // The cache must still be there when its bytes are counted.
    await (cache.get('weighed-0') ?? undefined);
    return { one: one * factor, together: together * factor, bytes: bytes / count };
  },
};

async function timed(cache, count, atOnce) {
  globalThis.gc();
  const startedAt = cpuTime();
  await filled(cache, count, 'key', atOnce);
  const took = (cpuTime() - startedAt) / 1e6;
  await cache.close();
  return took;
}

async function filled(cache, count, name, atOnce) {
  const fill = cache.fill ?? cache.get;
  for (let index = 0; index < count; index += atOnce) {
    if (atOnce === 1) await fill(`${name}-${index}`);
    else await Promise.all(Array.from({ length: atOnce }, (_, offset) => fill(`${name}-${index + offset}`)));
    if (index % 10_000 === 0) await nextTurn();
  }
}
