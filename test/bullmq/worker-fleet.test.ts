import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { FleetMember } from '../../lib/bullmq/fleet-member.js';
import { HandOver } from '../../lib/bullmq/hand-over.js';
import { WorkerFleet } from '../../lib/bullmq/worker-fleet.js';
import { Random } from '../simulation/random.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

/** A server of its own: it is emptied, and its memory is taken away. */
let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

let queue: Queue;
let redis: Redis;
beforeEach(async () => {
  const connection = { host: '127.0.0.1', port: server.port };
  queue = new Queue('async-cache', { connection, prefix: randomUUID() });
  redis = new Redis(connection);
  onTestFinished(async () => {
    redis.disconnect();
    await queue.close();
  });
  await queue.waitUntilReady();
});

interface Tested {
  readonly fleet: WorkerFleet;
  readonly neighbours: FleetMember[];
  readonly failures: Error[];
}

function worker(application = 'users'): Tested {
  const [neighbours, failures]: [FleetMember[], Error[]] = [[], []];
  const fleet = new WorkerFleet(queue, {
    self: { application, host: 'host', pid: 1 },
    onNeighbour: (neighbour) => neighbours.push(neighbour),
    onFailure: (error) => failures.push(error),
  });
  onTestFinished(() => fleet.leave());
  return { fleet, neighbours, failures };
}

/** Of a member that has asked nothing yet: answers are used again for a second. */
const members = (): Promise<readonly FleetMember[]> => worker().fleet.members();
const keyOf = (name: string): string => queue.toKey(`fleet:${name}`);

describe('the fleet of workers', () => {
  it('counts those that know the job of a key', async () => {
    worker().fleet.join(() => ['A:', 'B:']);
    worker().fleet.join(() => ['A:']);
    await vi.waitFor(async () => expect(await members()).toHaveLength(2));
    const { fleet } = worker();
    expect([await fleet.knowing('A:"x"'), await fleet.knowing('B:"x"'), await fleet.knowing('C:"x"')]).toEqual([
      2, 1, 0,
    ]);
  });

  it('says nothing of what has left, or has given no sign of life', async () => {
    const { fleet } = worker();
    fleet.join(() => ['A:']);
    worker().fleet.join(() => ['B:']);
    await vi.waitFor(async () => expect(await members()).toHaveLength(2));
    await fleet.leave();
    expect((await members()).map(({ prefixes }) => prefixes)).toEqual([['B:']]);
    const [id] = await redis.zrange(keyOf('seen'), 0, 0);
    await redis.zincrby(keyOf('seen'), -15_001, String(id));
    expect(await members()).toEqual([]);
    expect(await redis.hgetall(keyOf('jobs'))).toEqual({});
  });

  it('a worker that Redis has forgotten joins again, with jobs that were defined since', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const prefixes = ['A:'];
    worker().fleet.join(() => prefixes);
    await vi.waitFor(async () => expect(await members()).toHaveLength(1));
    prefixes.push('B:');
    await redis.flushdb();
    await vi.advanceTimersByTimeAsync(5_000);
    await vi.waitFor(async () => expect((await members())[0]?.prefixes).toEqual(['A:', 'B:']));
    expect(await redis.pttl(keyOf('members'))).toBeGreaterThan(0);
  });

  it('notices with a sign of life that Redis has set its clock back', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const beats: boolean[] = [];
    worker().fleet.join(
      () => ['A:'],
      async (isClockSetBack) => void beats.push(isClockSetBack),
    );
    await vi.waitFor(async () => expect(await members()).toHaveLength(1));
    const beat = async (count: number): Promise<void> => {
      await vi.advanceTimersByTimeAsync(5_000);
      await vi.waitFor(() => expect(beats).toHaveLength(count));
    };
    await beat(1);
    const [id] = await redis.zrange(keyOf('seen'), 0, 0);
    await redis.zincrby(keyOf('seen'), 60_000, String(id));
    await beat(2);
    await beat(3);
    expect(beats).toEqual([false, true, false]);
    expect(await members()).toHaveLength(1);
  });

  it('tells of a neighbour once', async () => {
    worker('orders').fleet.join(() => []);
    await vi.waitFor(async () => expect(await members()).toHaveLength(1));
    const { fleet, neighbours } = worker('users');
    fleet.join(() => []);
    await vi.waitFor(() => expect(neighbours).toMatchObject([{ application: 'orders', host: 'host', pid: 1 }]));
    fleet.look();
    await fleet.members();
    expect(neighbours).toHaveLength(1);
  });

  it('heals what others have put in its place', async () => {
    await redis.set(keyOf('seen'), 'x');
    await redis.set(keyOf('members'), 'x');
    await redis.rpush(keyOf('jobs'), 'x');
    worker().fleet.join(() => ['A:']);
    await vi.waitFor(async () => expect(await members()).toHaveLength(1));
    await redis.hset(keyOf('members'), {
      garbage: 'no description',
      list: 'x|[]',
      nothing: '|null',
      name: '|{"application":1}',
    });
    await redis.hset(keyOf('jobs'), { garbage: '{', x: '{"a":1}' });
    expect(await members()).toHaveLength(1);
  });

  it('reports once that Redis refuses, until it does not any more', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { fleet, failures } = worker();
    await redis.config('SET', 'maxmemory', '1');
    fleet.join(() => ['A:']);
    await vi.waitFor(() => expect(failures).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(15_000);
    await redis.config('SET', 'maxmemory', '0');
    await vi.advanceTimersByTimeAsync(5_000);
    await vi.waitFor(async () => expect(await members()).toHaveLength(1));
    expect(failures.map(String)).toEqual([expect.stringContaining('OOM')]);
  });
});

describe('what is handed over to a worker that knows the job', () => {
  it('comes back soon at first, later when many tries did not help, and one at a time', () => {
    const handOver = new HandOver();
    const wait = (tries: number, now: number): number => handOver.plan(tries, now).ms;
    expect([wait(1, 0), wait(16, 100), wait(36, 200), wait(9_999, 300)]).toEqual([15, 15, 300, 1_000]);
    expect([1, 2, 3].map(() => wait(1, 400))).toEqual([15, 19, 23]);
    expect(wait(1, 500)).toBe(15);
  });

  it('occupies a place of the worker only while it comes back soon', () => {
    const handOver = new HandOver();
    expect([1, 16, 22, 23, 9_999].map((tries, n) => handOver.plan(tries, n * 100).delayed)).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
  });

  describe('with idle workers in a line, of which one in four knows the job', () => {
    const LINES = [4, 5, 8, 12];

    /** Tries until a worker took the request that knows its job, of many requests, in order. */
    function tries(workers: number, random: () => number): number[] {
      const handOver = new HandOver();
      const knowing = Math.ceil(workers / 4);
      // The worst line for them: each is the second one of its pair.
      const line = Array.from({ length: workers }, (_, place) => place % 2 === 1 && place < 2 * knowing);
      return Array.from({ length: 2_000 }, () => {
        for (let number = 1; number < 1_000; number++) {
          const taken = line[0] === true;
          const { wake } = handOver.plan(number, 0, random());
          // The one that takes the request, the one that finds nothing, and the one that is woken by chance.
          line.push(...line.splice(0, !taken && wake ? 3 : 2));
          if (taken) return number;
        }
        return Number.POSITIVE_INFINITY;
      }).sort((a, b) => a - b);
    }

    it.each(LINES)('reaches one of %i within 25 tries in 99 of 100 cases', (workers) => {
      const random = new Random(workers);
      expect(tries(workers, random.next)[1_980]).toBeLessThanOrEqual(25);
    });

    it.each([4, 8, 12])('never reaches one of %i where none is woken by chance: the control', (workers) => {
      expect(tries(workers, () => 1)[0]).toBe(Number.POSITIVE_INFINITY);
    });
  });
});
