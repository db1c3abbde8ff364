import { setTimeout as sleep } from 'node:timers/promises';
import { watchCommands } from '../harness/commands.mjs';

export default {
  order: 13,
  title: 'A whole refresh in Redis, beside a BullMQ job that does nothing',
  about:
    'Commands (`INFO commandstats`, those inside scripts included) and round trips (`MONITOR`, scripts not opened) of one refresh through an idle worker, from the stale read to the stored value; then refreshes a second of one worker with concurrency 10 over a backlog.',
  tiers: ['redis'],
  subjects: ['bullmq', 'nestjs-async-cache'],
  limit: 'bullmq',
  columns: [
    { key: 'roundTrips', title: 'round trips', digits: 1 },
    { key: 'commands', title: 'commands', digits: 1 },
    { key: 'perSecond', title: 'refreshes a second', ratio: true },
  ],
  async measure({ open, quick, url }) {
    let waiting = new Map();
    const done = (key) => waiting.get(key)?.();
    let isFilling = true;
    const fetch = async (key) => {
      if (!isFilling) done(key);
      return { key };
    };
    const cache = await open({ fetch, done, ttl: 1, stale: 3_600 });
    const singles = quick ? 10 : 30;
    const backlog = quick ? 500 : 3_000;
    const keys = Array.from({ length: singles + backlog }, (_, index) => `key-${index}`);
    const refresh = cache.refresh ?? cache.get;
    if (cache.refresh === undefined)
      await cache.job.warm(
        keys.map((key) => [key]),
        { concurrency: 100 },
      );
    await sleep(1_100);
    isFilling = false;
    const refreshed = (key) => new Promise((resolve) => waiting.set(key, resolve));
    const watch = await watchCommands(url);
    await watch.start();
    for (const key of keys.slice(0, singles)) {
      const end = refreshed(key);
      await refresh(key);
      await end;
      // The commit, and the end of the job.
      await sleep(40);
    }
    const { commands, roundTrips, names } = await watch.stop();
    watch.close();
    const startedAt = performance.now();
    const ends = keys.slice(singles).map(refreshed);
    for (let index = singles; index < keys.length; index += 100) {
      await Promise.all(keys.slice(index, index + 100).map((key) => refresh(key)));
    }
    await Promise.all(ends);
    const perSecond = (backlog * 1_000) / (performance.now() - startedAt);
    return { commands: commands / singles, roundTrips: roundTrips / singles, perSecond, names };
  },
};
