import { timeCalls } from '../harness/load.mjs';

export default {
  order: 3,
  title: 'Hit of a method that is cached by its argument, in memory',
  about:
    'Nanoseconds of computing for an awaited call; 1,000 different arguments, read in turn. Each object argument is made anew for its call, as a request makes it.',
  tiers: ['memory'],
  subjects: ['hand-written', 'nestjs-async-cache', 'p-memoize', 'async-cache-dedupe', 'type-cacheable'],
  variants: [{ argument: 'string' }, { argument: 'object' }],
  needs: ['decorated'],
  limit: 'hand-written',
  columns: [{ key: 'ns', title: 'ns', ratio: true }],
  async measure({ open, quick, variant }) {
    const names = Array.from({ length: 1_000 }, (_, index) => `name-${index}`);
    const query = (index) => ({
      tenant: names[index % 1_000],
      page: index % 1_000,
      filters: { status: 'open', tags: ['a', 'b'] },
      since: '2026-01-01',
    });
    const isObject = variant.argument === 'object';
    const { method } = await open({
      fetch: async () => ({ found: true }),
      ...(isObject ? { keyOf: JSON.stringify } : {}),
    });
    const call = isObject ? (index) => method(query(index)) : (index) => method(names[index % 1_000]);
    // The misses would be most of the warm-up.
    for (let index = 0; index < 1_000; index++) await call(index);
    return { ns: await timeCalls(call, { ms: quick ? 20 : 60 }) };
  },
};
