import { setTimeout as sleep } from 'node:timers/promises';
import { herd } from '../harness/load.mjs';
import { median, quantile } from '../harness/statistics.mjs';

export default {
  order: 8,
  title: '1,000 readers of one cold key in the same moment, over a fetch of 50 ms',
  about:
    'Milliseconds from that moment to the 99th percentile of their answers; medians of several herds, after a warm-up of as many. The limit is the hand-written Map, in every tier.',
  tiers: ['memory', 'redis', 'near'],
  subjects: [
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
  needs: ['cold'],
  limit: 'hand-written@memory',
  columns: [
    { key: 'p99', title: 'p99', digits: 2, ratio: true },
    { key: 'fetches', title: 'fetches a herd', digits: 2 },
  ],
  async measure({ open, quick }) {
    let fetches = 0;
    const fetch = async (key) => {
      fetches++;
      await sleep(50);
      return { key };
    };
    const cache = await open({ fetch });
    const herds = quick ? 8 : 16;
    const times = [];
    for (let index = 0; index < herds; index++) {
      times.push(quantile(await herd(() => cache.get(`key-${index}`), 1_000), 0.99));
      await sleep(10);
    }
    return { p99: median(times.slice(herds / 2)), fetches: fetches / herds };
  },
};
