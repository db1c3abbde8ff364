import { setTimeout as sleep } from 'node:timers/promises';
import { herd } from '../harness/load.mjs';
import { median, quantile } from '../harness/statistics.mjs';

export default {
  order: 7,
  title: '1,000 readers of one stale key in the same moment',
  about:
    'Milliseconds from that moment to the 99th percentile and to the last of their answers; medians of several herds, after a warm-up of as many. The limit is the hand-written Map, in every tier.',
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
  needs: ['stale'],
  limit: 'hand-written@memory',
  columns: [
    { key: 'p99', title: 'p99', digits: 2, ratio: true },
    { key: 'fetches', title: 'fetches a herd', digits: 2 },
  ],
  async measure({ open, quick }) {
    let fetches = 0;
    const fetch = async (key) => {
      fetches++;
      await sleep(20);
      return { key };
    };
    const cache = await open({ fetch, ttl: 1, stale: 3_600 });
    const herds = quick ? 8 : 16;
    const keys = Array.from({ length: herds }, (_, index) => `key-${index}`);
    await Promise.all(keys.map((key) => cache.get(key)));
    await sleep(1_200);
    fetches = 0;
    const times = [];
    for (const key of keys) {
      times.push(quantile(await herd(() => cache.get(key), 1_000), 0.99));
      await sleep(30);
    }
    await sleep(200);
    return { p99: median(times.slice(herds / 2)), fetches: fetches / herds };
  },
};
