import { timeCalls } from '../harness/load.mjs';
import { Row, rowsOf } from '../harness/values.mjs';

export default {
  order: 5,
  title: 'Hit of rows as people have them',
  about:
    'Microseconds of computing (in Redis, of this process alone) for a read of 1 or 1,000 rows: plain, with two Dates each, and instances of a class.',
  tiers: ['memory', 'redis'],
  subjects: ['map', 'ioredis', 'nestjs-async-cache', 'layered-loader', 'cache-manager', 'cachified', 'bentocache'],
  quickly: [{ rows: 1_000, kind: 'dates' }],
  variants: [1, 1_000].flatMap((rows) => ['plain', 'dates', 'instances'].map((kind) => ({ rows, kind }))),
  limit: ({ tier }) => (tier === 'memory' ? 'map' : 'ioredis'),
  columns: [{ key: 'us', title: 'µs', digits: 2, ratio: true }],
  async measure({ open, quick, variant: { rows, kind } }) {
    const cache = await open({
      fetch: async () => rowsOf(rows, kind),

      settings: { types: [Row] },
    });
    await (cache.fill ?? cache.get)('rows');
    const value = await cache.get('rows');
    const us = (await timeCalls(() => cache.get('rows'), { ms: quick ? 20 : 60 })) / 1_000;
    const [first] = value;
    const lost =
      (kind === 'dates' && !(first.createdAt instanceof Date)) || (kind === 'instances' && first.label !== '0: row 0');
    return { us, note: lost ? `the ${kind} are lost` : undefined };
  },
};
