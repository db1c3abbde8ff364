import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readWhile, startTwoApps, untilConsistent } from '../near/outage-apps.js';
import { type RedisWithSentinels, startRedisWithSentinels } from './sentinel.js';

const KEYS = ['a', 'b', 'c', 'd'];
const STORE_TIMEOUT = 500;
const BUSY = 1_500;
/** Milliseconds. The sentinels need a second or two to agree. */
const FAILOVER = 10_000;

let redis: RedisWithSentinels;
beforeEach(async () => {
  redis = await startRedisWithSentinels();
}, 60_000);
afterEach(() => redis.stop());

describe('with sentinels', () => {
  it.each(['killed', 'frozen'] as const)(
    'a failover after the master was %s: every read is answered, and all goes on',
    async (how) => {
      const { origin, apps } = await startTwoApps({ connection: redis.connection });
      for (const { jobs } of apps) for (const job of Object.values(jobs)) for (const key of KEYS) await job.get(key);
      const before = origin.fetches.length;
      let consistent = Infinity;
      const load = await readWhile(apps, KEYS, async () => {
        await sleep(500);
        if (how === 'killed') await redis.master.kill();
        else redis.master.freeze();
        await untilMaster();
        consistent = await untilConsistent(origin, apps, KEYS, 10_000);
        // The former master returns as a replica.
        if (how === 'frozen') redis.master.thaw();
        await sleep(500);
      });
      const again = await untilConsistent(origin, apps, KEYS, 10_000);
      console.log(
        `failover (${how}): ${String(load.reads)} reads, ${String(load.failures.length)} failed, longest ${load.longest.toFixed(0)} ms, ` +
          `consistent ${consistent.toFixed(0)} ms after it, fetches of a fresh key ${String(origin.mostOf('steady', before))}`,
      );
      expect(load.failures).toEqual([]);
      expect(load.longest).toBeLessThan(STORE_TIMEOUT + BUSY);
      expect(consistent).toBeLessThan(5_000);
      expect(again).toBeLessThan(5_000);
      expect(origin.mostOf('steady', before)).toBeLessThanOrEqual(apps.length + 1);
    },
    40_000,
  );
});

/** Waits until the replica is the master. */
async function untilMaster(): Promise<void> {
  const client = new Redis(redis.replica.url);
  const deadline = performance.now() + FAILOVER;
  try {
    while ((await client.role())[0] !== 'master') {
      if (performance.now() > deadline) throw new Error('There was no failover');
      await sleep(20);
    }
  } finally {
    client.disconnect();
  }
}
