import { setTimeout as sleep } from 'node:timers/promises';
import { openLoop } from '../harness/load.mjs';

export default {
  order: 11,
  title: 'Fetches of one stale key while the origin fails',
  about:
    'Attempts a second at 1,000 reads a second, the fetch failing after 5 ms; reads that were answered with the stale value, in percent. 3 seconds.',
  tiers: ['memory', 'redis', 'near'],
  subjects: [
    'hand-written',
    'nestjs-async-cache',
    'lru-cache',
    'layered-loader',
    'async-cache-dedupe',
    'cache-manager',
    'cachified',
    'bentocache',
    'cacheable',
    'p-memoize',
  ],
  needs: ['stale'],
  columns: [
    { key: 'attempts', title: 'attempts a second', digits: 1 },
    { key: 'answered', title: '% answered', digits: 1 },
  ],
  async measure({ open, quick }) {
    let attempts = 0;
    let isDown = false;
    const fetch = async (key) => {
      attempts++;
      if (!isDown) return { key };
      await sleep(5);
      throw new Error('the origin is down');
    };
    const cache = await open({ fetch, ttl: 1, stale: 3_600 });
    await cache.get('key');
    await sleep(1_200);
    isDown = true;
    attempts = 0;
    const seconds = quick ? 1 : 3;
    const { answered, total } = await openLoop(() => cache.get('key'), { perSecond: 1_000, seconds });
    return { attempts: attempts / seconds, answered: (100 * answered) / total };
  },
};
