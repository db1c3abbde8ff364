import { setTimeout as sleep } from 'node:timers/promises';
import { openLoop } from '../harness/load.mjs';

const FETCHES = { fast: 0, '200 ms': 200, 'never settles': Infinity };

export default {
  order: 6,
  title: 'Stale reads while their refresh runs, beside fresh reads',
  about:
    "Milliseconds; open loop of 500 reads a second, over fresh keys first and then over 100 stale ones whose refresh takes as long as the variant says. The ratio is to the same subject's fresh reads.",
  tiers: ['memory', 'redis', 'near'],
  subjects: [
    'hand-written',
    'nestjs-async-cache',
    'lru-cache',
    'layered-loader',
    'async-cache-dedupe',
    'cache-manager',
    'cachified',
    'cacheable',
    'bentocache',
    'p-memoize',
    'type-cacheable',
  ],
  quickly: [{ fetch: '200 ms' }],
  variants: Object.keys(FETCHES).map((fetch) => ({ fetch })),
  needs: ['stale'],
  columns: [
    { key: 'stale50', title: 'stale p50', digits: 2 },
    { key: 'stale99', title: 'stale p99', digits: 2 },
    { key: 'fresh50', title: 'fresh p50', digits: 2 },
    { key: 'fresh99', title: 'fresh p99', digits: 2 },
    { key: 'ratio50', title: 'p50 stale ÷ fresh', digits: 2 },
    { key: 'ratio99', title: 'p99 stale ÷ fresh', digits: 2 },
    { key: 'unanswered', title: 'unanswered' },
  ],
  async measure({ open, quick, variant, prefix }) {
    let isFilling = true;
    const fetch = (key) => {
      const delay = isFilling ? 0 : FETCHES[variant.fetch];
      if (delay === Infinity) return new Promise(() => undefined);
      return delay === 0 ? Promise.resolve({ key }) : sleep(delay, { key });
    };
    const long = await open({ fetch, ttl: 3_600, stale: 3_600, prefix: `${prefix}long:` });
    const short = await open({ fetch, ttl: 1, stale: 3_600, prefix });
    const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`);
    for (const key of keys) await Promise.all([long.get(key), short.get(key)]);
    const seconds = quick ? 0.6 : 2;
    // A warm-up, and then what is measured.
    for (let index = 0; index < 2_000; index++) await long.get(keys[index % 100]);
    const fresh = await openLoop((index) => long.get(keys[index % 100]), { perSecond: 500, seconds });
    await sleep(1_100);
    isFilling = false;
    // At 500 reads a second each of the 100 keys is read every 200 ms.
    const stale = await openLoop((index) => short.get(keys[index % 100]), {
      perSecond: 500,
      seconds: Math.min(seconds, 0.9),
    });
    return {
      stale50: stale.p50,
      stale99: stale.p99,
      fresh50: fresh.p50,
      fresh99: fresh.p99,
      ratio50: stale.p50 / fresh.p50,
      ratio99: stale.p99 / fresh.p99,
      unanswered: stale.total - stale.answered,
    };
  },
};
