import { setTimeout as sleep } from 'node:timers/promises';
import { getQueueToken } from '@nestjs/bullmq';
import { type JobsOptions, Queue } from 'bullmq';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { REFRESH_QUEUE_NAME } from '../../lib/bullmq/bullmq-refresh.module.js';
import { RedisStore } from '../../lib/redis/redis-store.js';
import { type CaseApp, type CaseJob, CaseWorld, executed } from '../cases/case-world.js';

const { hostname, port } = new URL(inject('redisUrl'));
const connection = { host: hostname, port: Number(port) };

/**
 * The `refreshTimeout` of the web applications, in milliseconds. It stands for the default of a minute, so an hour is
 * sixty of them.
 */
const MINUTE = 50;
const HOUR = 60;
const KEYS = Array.from({ length: 25 }, (_, n) => `key ${String(n)}`);
/** Milliseconds, far below a wait for a queue or a worker, and above anything that a busy machine needs. */
const AT_ONCE = 2_000;

type App = CaseApp & { job: CaseJob<unknown[], string> };

interface Reads {
  readonly values: ReadonlySet<string>;
  readonly longest: number;
}

/** Web applications without a worker, and what they requested. */
class Fleet {
  readonly fetch = executed();
  readonly webs: App[] = [];
  readonly #world = new CaseWorld({ options: () => ({ connection, storeTimeout: '10s' }), time: 'real', shared: true });
  #worker: App | undefined;

  /** Starts with a stale value for every key. */
  async start(): Promise<void> {
    for (let n = 0; n < 2; n++) {
      const options = { ttl: '1h', refreshTimeout: MINUTE / 1_000 } as const;
      this.webs.push(await this.#world.job(this.fetch, options, { options: { worker: false } }));
    }
    for (const key of KEYS) await this.web.job.set([key], 'old', { ttl: '1ms' });
    await sleep(5);
  }

  get web(): App {
    return this.webs[0] as App;
  }

  get queue(): Queue {
    return this.web.module.get<Queue>(getQueueToken(REFRESH_QUEUE_NAME), { strict: false });
  }

  /** For each key, how often an application requested a refresh. */
  get requests(): number[] {
    const counts = new Map<string, number>();
    for (const { key } of this.webs.flatMap((web) => web.of('refresh-requested')))
      counts.set(key, (counts.get(key) ?? 0) + 1);
    return [...counts.values()];
  }

  /** For each key, how often it was fetched. */
  get fetches(): number[] {
    return KEYS.map((key) => this.fetch.calls.filter(([fetched]) => fetched === key).length);
  }

  /** Every failure in any of the applications. */
  get failures(): unknown[] {
    return this.#apps.flatMap(({ events }) =>
      events.filter(({ type }) => type.endsWith('-failed') || type === 'unknown-job'),
    );
  }

  get #apps(): App[] {
    return this.#worker === undefined ? this.webs : [...this.webs, this.#worker];
  }

  /**
   * Reads every key in every application, once a minute: by then the last request counts as lost, and a new one is
   * made.
   */
  async read(minutes: number, meanwhile?: (minute: number) => Promise<void>): Promise<Reads> {
    const values = new Set<string>();
    let longest = 0;
    for (let minute = 0; minute < minutes; minute++) {
      await Promise.all(
        this.webs.flatMap(({ job }) =>
          KEYS.map(async (key) => {
            const from = performance.now();
            const { value, status } = await job.read(key);
            values.add(`${status} ${value}`);
            longest = Math.max(longest, performance.now() - from);
          }),
        ),
      );
      await meanwhile?.(minute);
      await sleep(MINUTE + 5);
    }
    return { values, longest };
  }

  /** The requests that wait, counted when all that were made have arrived. */
  async waiting(): Promise<number> {
    for (let last = -1; ;) {
      const count = await this.queue.getWaitingCount();
      if (count === last) return count;
      last = count;
      await sleep(200);
    }
  }

  /** Its leases have the default length, so that a busy machine does not let them expire. */
  async startWorker(): Promise<App> {
    this.#worker = await this.#world.job(this.fetch, { ttl: '1h' });
    return this.#worker;
  }

  async untilDrained(): Promise<void> {
    const nothing = { waiting: 0, active: 0, delayed: 0, prioritized: 0, completed: 0, failed: 0 };
    await vi.waitFor(async () => expect(await this.queue.getJobCounts()).toMatchObject(nothing), {
      timeout: 10_000,
      interval: 50,
    });
  }

  close(): Promise<void> {
    return this.#world.close();
  }
}

describe('a worker fleet that is gone', () => {
  let fleet: Fleet;
  beforeEach(async () => {
    fleet = new Fleet();
    await fleet.start();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await fleet.close();
  });

  it('for an hour: stale values at once all the time, one request per key, and one fetch of each when it is back', async () => {
    const { values, longest } = await fleet.read(HOUR);
    expect([...values]).toEqual(['stale old']);
    expect(longest).toBeLessThan(AT_ONCE);
    // There was something to deduplicate.
    expect(Math.min(...fleet.requests)).toBeGreaterThan(HOUR);
    expect(await fleet.waiting()).toBe(KEYS.length);
    expect(fleet.fetches.filter((count) => count > 0)).toEqual([]);

    await fleet.startWorker();
    await fleet.untilDrained();
    expect(fleet.fetches).toEqual(KEYS.map(() => 1));
    await vi.waitFor(async () => {
      for (const { job } of fleet.webs) {
        for (const key of KEYS)
          expect(await job.read(key)).toMatchObject({ status: 'hit', value: expect.stringContaining(key) });
      }
    }, 5_000);
    expect(fleet.fetches).toEqual(KEYS.map(() => 1));
    expect(await fleet.waiting()).toBe(0);
    expect(fleet.failures).toEqual([]);
  }, 30_000);

  it('what was set or deleted meanwhile is not fetched; what was invalidated again and again is, once', async () => {
    const [byHand, deleted, invalidated] = [KEYS.slice(0, 5), KEYS.slice(5, 10), KEYS.slice(10)];
    await fleet.read(10, async () => {
      for (const key of invalidated) await fleet.web.job.invalidate(key);
    });
    expect(await fleet.waiting()).toBe(KEYS.length);
    for (const key of byHand) await fleet.web.job.set([key], 'by hand');
    for (const key of deleted) await fleet.web.job.delete(key);

    const worker = await fleet.startWorker();
    await fleet.untilDrained();
    expect(fleet.fetches).toEqual(KEYS.map((key) => (invalidated.includes(key) ? 1 : 0)));
    expect(worker.of('refresh-skipped').map(({ reason }) => reason)).toEqual(
      [...byHand, ...deleted].map(() => 'changed'),
    );
    for (const key of byHand) expect(await worker.job.read(key)).toMatchObject({ status: 'hit', value: 'by hand' });
    for (const key of deleted) expect(await worker.job.peek(key)).toBeUndefined();
    for (const key of invalidated)
      expect(await worker.job.read(key)).toMatchObject({ status: 'hit', value: expect.stringContaining(key) });
    expect(fleet.failures).toEqual([]);
  }, 30_000);

  // A check that cannot fail proves nothing.
  it('without deduplication, leaves a request of every minute, and a fetch for each', async () => {
    takeDeduplicationAway();
    const minutes = 5;
    await fleet.read(minutes);
    expect(await fleet.waiting()).toBeGreaterThanOrEqual(minutes * KEYS.length);
    await fleet.startWorker();
    await fleet.untilDrained();
    expect(Math.min(...fleet.fetches)).toBeGreaterThanOrEqual(minutes);
  }, 30_000);
});

/** The queue takes every request, and the worker does not check whether there is a newer value. */
function takeDeduplicationAway(): void {
  const { add, addBulk } = Queue.prototype;
  const plain = ({ deduplication: _, ...options }: JobsOptions = {}): JobsOptions => options;
  vi.spyOn(Queue.prototype, 'add').mockImplementation(function (this: Queue, name, data, options) {
    return add.call(this, name, data, plain(options));
  });
  vi.spyOn(Queue.prototype, 'addBulk').mockImplementation(function (this: Queue, jobs) {
    return addBulk.call(
      this,
      jobs.map((job) => ({ ...job, opts: plain(job.opts) })),
    );
  });
  const { acquire } = RedisStore.prototype;
  vi.spyOn(RedisStore.prototype, 'acquire').mockImplementation(function (this: RedisStore, key, claim) {
    return acquire.call(this, key, { ...claim, generation: undefined, takeOver: true });
  });
}
