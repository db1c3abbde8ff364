import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AsyncCacheOptions } from 'nestjs-async-cache';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { TICK, tickPayload } from '../../lib/bullmq/refresh-payload.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { type ScheduleApp, type ScheduleParts, startScheduleApp } from './schedule-app.js';

const PERIOD = 200;
const EVERY = '200ms';
const CLOSE_LIMIT = 5_000;

let redis: RedisServer;
let prefix: string;
let apps: ScheduleApp[];
const fetches: { key: string; at: number }[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(() => {
  prefix = randomUUID();
  apps = [];
  fetches.length = 0;
});
afterEach(async () => {
  await Promise.all(apps.map(({ module }) => module.close()));
});

const onFetch = (key: string): void => void fetches.push({ key, at: performance.now() });

async function start(parts: ScheduleParts, own: AsyncCacheOptions = {}): Promise<ScheduleApp> {
  const options = { connection: { host: '127.0.0.1', port: redis.port }, prefix, ...own };
  const app = await startScheduleApp({ options, onFetch, ...parts });
  apps.push(app);
  return app;
}

/** Fetches of each key in the given number of periods. */
async function fetchesIn(periods: number): Promise<number[]> {
  await vi.waitFor(() => expect(fetches.length).toBeGreaterThan(0));
  fetches.length = 0;
  await sleep(periods * PERIOD);
  return ['a', 'b'].map((key) => fetches.filter((fetch) => fetch.key === key).length);
}

/** Expects tick after tick from now on. */
async function expectTicks(): Promise<void> {
  fetches.length = 0;
  await vi.waitFor(() => expect(fetches.length).toBeGreaterThan(6));
}

const schedulesOf = async ({ queue }: ScheduleApp): Promise<unknown[]> =>
  ((await queue?.getJobSchedulers()) ?? []).map(({ key, every }) => ({ key, every }));

describe('refreshEvery on BullMQ', () => {
  const PERIODS = 6;

  it('is one tick in each period, however many processes there are', async () => {
    for (let n = 0; n < 3; n++) await start({ every: EVERY });
    const counts = await fetchesIn(PERIODS);
    console.log(`fetches of each key in ${String(PERIODS)} periods, 3 processes: ${counts.join(', ')}`);
    for (const count of counts) {
      expect(count).toBeGreaterThanOrEqual(PERIODS / 2);
      expect(count).toBeLessThanOrEqual(PERIODS + 2);
    }
  });

  it('without a queue between them it would be one in each process: the control', async () => {
    for (let n = 0; n < 3; n++) apps.push(await startScheduleApp({ every: EVERY, onFetch }));
    for (const count of await fetchesIn(PERIODS)) expect(count).toBeGreaterThan(PERIODS + 2);
  });

  it('runs where there are workers, also if another process made it', async () => {
    await start({ every: EVERY }, { worker: false });
    await sleep(3 * PERIOD);
    expect(fetches).toEqual([]);
    await start({ every: EVERY });
    await expectTicks();
  });

  it('the start of a further process is no tick', async () => {
    for (let n = 0; n < 3; n++) {
      const { queue } = await start({ every: '1h' });
      await vi.waitFor(async () => expect(await queue?.getDelayedCount()).toBe(1));
      await sleep(PERIOD);
    }
    for (const key of ['a', 'b']) expect(fetches.filter((fetch) => fetch.key === key).length).toBeLessThanOrEqual(1);
  });

  it('another period takes the place of the former one', async () => {
    const first = await start({ every: '1h' });
    await vi.waitFor(async () => expect(await schedulesOf(first)).toEqual([{ key: 'Scheduled', every: 3_600_000 }]));
    const second = await start({ every: EVERY });
    await vi.waitFor(async () => expect(await schedulesOf(second)).toEqual([{ key: 'Scheduled', every: PERIOD }]));
    await expectTicks();
  });

  it('is gone after a deploy without it', async () => {
    const first = await start({ every: EVERY });
    await fetchesIn(1);
    await apps.pop()?.module.close();
    expect(first.events.filter(({ type }) => type === 'queue-failed')).toEqual([]);
    const second = await start({});
    await vi.waitFor(async () => expect(await schedulesOf(second)).toEqual([]));
    fetches.length = 0;
    await sleep(3 * PERIOD);
    expect(fetches).toEqual([]);
    expect(await second.queue?.getJobCounts()).toMatchObject({ delayed: 0, waiting: 0, failed: 0 });
  });

  it('a cron pattern takes the place of a period, and ticks', async () => {
    const first = await start({ every: '1h' });
    await vi.waitFor(async () => expect(await schedulesOf(first)).toEqual([{ key: 'Scheduled', every: 3_600_000 }]));
    const app = await start({ pattern: { pattern: '* * * * * *', tz: 'Europe/Vienna' } });
    await vi.waitFor(async () => {
      const schedulers = await app.queue?.getJobSchedulers();
      expect(schedulers?.map(({ key, pattern, tz }) => ({ key, pattern, tz }))).toEqual([
        { key: 'Scheduled', pattern: '* * * * * *', tz: 'Europe/Vienna' },
      ]);
    });
    await fetchesIn(1);
  });

  it('a tick of an unknown schedule is harmless', async () => {
    const app = await start({ every: EVERY });
    await app.queue?.add(TICK, tickPayload('Gone'));
    await expectTicks();
    expect(await app.queue?.getJobCounts()).toMatchObject({ failed: 0 });
    expect(app.events.filter(({ type }) => type.endsWith('failed'))).toEqual([]);
  });
});

describe('with a Redis that', () => {
  let own: RedisServer;
  beforeEach(async () => {
    own = await startRedis();
  });
  afterEach(() => own.stop());
  const connection = (): AsyncCacheOptions => ({ connection: { host: '127.0.0.1', port: own.port } });

  it('is away at start: the schedule is made when it comes', async () => {
    await own.kill();
    await start({ every: EVERY, warm: true }, connection());
    await sleep(500);
    await own.restart();
    await expectTicks();
  });

  it('comes back empty: the schedule is made anew', async () => {
    await start({ every: EVERY }, connection());
    await fetchesIn(1);
    await own.restart();
    await expectTicks();
  });

  it.each(['dead', 'frozen'])(
    'is %s while the schedule is made: closing takes a moment, and reports nothing',
    async (how) => {
      if (how === 'dead') await own.kill();
      else own.freeze();
      const app = await start({ every: EVERY }, connection());
      apps.pop();
      await sleep(300);
      const reported = app.events.length;
      const from = performance.now();
      await app.module.close();
      expect(performance.now() - from).toBeLessThan(CLOSE_LIMIT);
      await sleep(300);
      expect(app.events.slice(reported)).toEqual([]);
    },
  );
});

it('warmOnStart fetches what is not fresh, in a cluster as well', async () => {
  await start({ warm: true });
  await vi.waitFor(() => expect(fetches.map(({ key }) => key).sort()).toEqual(['a', 'b']));
  await start({ warm: true });
  await sleep(300);
  expect(fetches).toHaveLength(2);
});
