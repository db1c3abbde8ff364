import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { shortenLocks } from '../../lib/bullmq/shorten-locks.js';
import { Gate } from '../../lib/testing/gate.js';

const LOCK = 10_000;
const SEARCH = 1_000;
const TEN_MINUTES = 600_000;

let redis: Redis;
let worker: Worker;
let lock: string;
let mark: string;

/** A request runs, and its worker has just looked for dead ones. */
beforeEach(async () => {
  redis = new Redis(inject('redisUrl'));
  const { host = '127.0.0.1', port = 6379 } = redis.options;
  const common = { connection: { host, port }, prefix: randomUUID() };
  const queue = new Queue('requests', common);
  const running = new Gate<void>();
  const timings = { lockDuration: LOCK, lockRenewTime: TEN_MINUTES, stalledInterval: SEARCH };
  worker = new Worker('requests', running.fetch, { ...common, ...timings });
  onTestFinished(async () => {
    running.release();
    await worker.close();
    await queue.close();
    redis.disconnect();
  });
  const { id } = await queue.add('one', {});
  await running.started(1);
  lock = worker.toKey(`${String(id)}:lock`);
  mark = worker.toKey('stalled-check');
});

/** What Redis shows when its clock was set back by ten minutes. */
async function lengthen(...names: readonly string[]): Promise<void> {
  for (const name of names) await redis.set(name, (await redis.get(name)) ?? '', 'PX', TEN_MINUTES);
}

describe('locks that are too long', () => {
  it('are shortened where the mark of the last search is too long as well', async () => {
    await lengthen(lock, mark);
    await shortenLocks(worker, false);
    expect(await redis.pttl(lock)).toBeLessThanOrEqual(LOCK);
    expect(await redis.pttl(lock)).toBeGreaterThan(0);
    expect(await redis.pttl(mark)).toBeLessThanOrEqual(SEARCH);
  });

  it('are shortened where somebody has noticed the step', async () => {
    await lengthen(lock);
    await shortenLocks(worker, true);
    expect(await redis.pttl(lock)).toBeLessThanOrEqual(LOCK);
  });

  it('are not looked for otherwise, such as where a worker of another release looks more seldom: the control', async () => {
    await lengthen(lock);
    await redis.pexpire(mark, 30_000);
    await shortenLocks(worker, false);
    expect(await redis.pttl(lock)).toBeGreaterThan(LOCK);
  });
});

it('a lock that is not too long stays as it is, and a lock that is gone is not made', async () => {
  await redis.pexpire(lock, 5_000);
  await shortenLocks(worker, true);
  expect(await redis.pttl(lock)).toBeLessThanOrEqual(5_000);
  await redis.del(lock);
  await shortenLocks(worker, true);
  expect(await redis.exists(lock)).toBe(0);
});
