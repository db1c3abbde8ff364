import { setTimeout as sleep } from 'node:timers/promises';
import type { AsyncCacheOptions, JobOptions } from 'nestjs-async-cache';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { withNewerPackage } from './newer-package.js';
import {
  applicationOptions,
  asking,
  eventually,
  Origin,
  readWhile,
  type ReleaseApp,
  startRelease,
} from './release-app.js';

const KEYS = ['1', '2'];
const PERIOD = 200;
/** Milliseconds after which a process creates its schedules again. */
const REASSERTION = 10 * 60 * 1_000;
const KEPT_WARM: JobOptions = { ttl: '1h', refreshEvery: { every: '200ms', args: KEYS.map((key) => [key]) } };

let origin: Origin;
let options: AsyncCacheOptions;
beforeEach(() => {
  origin = new Origin();
  options = applicationOptions();
});

const start = (name: string, jobs: Record<string, JobOptions>, own: AsyncCacheOptions = {}): Promise<ReleaseApp> =>
  startRelease(name, { origin, jobs, options: { ...options, ...own } });

const schedulesOf = async ({ queue }: ReleaseApp): Promise<string[]> =>
  (await queue.getJobSchedulers()).map(({ key }) => key).sort();
const expectSchedules = (app: ReleaseApp, names: string[]) =>
  eventually(async () => expect(await schedulesOf(app)).toEqual(names));
const fetchesOf = (job: string, from: number, release?: string): number[] => origin.counts(job, KEYS, from, release);
const failuresOf = ({ events }: ReleaseApp): unknown[] => events.filter(({ type }) => type.endsWith('failed'));

/** Creates all schedules again without waiting for ten minutes. */
function reassertions(): () => void {
  const timers = vi.spyOn(globalThis, 'setInterval');
  onTestFinished(() => timers.mockRestore());
  return () => {
    const due = timers.mock.calls.filter(([, ms]) => ms === REASSERTION);
    expect(due.length).toBeGreaterThan(0);
    for (const [run] of due) run();
  };
}

describe('schedules of an old release with B and a new one with C', () => {
  it('a worker that starts removes what it does not know; ten minutes later both are there', async () => {
    const tenMinutesLater = reassertions();
    const old = await start('old', { B: KEPT_WARM });
    await expectSchedules(old, ['B']);
    const next = await start('new', { C: KEPT_WARM });
    await expectSchedules(old, ['C']);
    const further = await start('old', { B: KEPT_WARM });
    await expectSchedules(old, ['B']);
    tenMinutesLater();
    await expectSchedules(old, ['B', 'C']);
    // A tick that reaches a worker of the other release is dropped.
    const before = origin.fetches.length;
    const load = await readWhile([old, next], KEYS, () => sleep(5 * PERIOD));
    const [ofB, ofC] = [fetchesOf('B', before), fetchesOf('C', before)];
    console.log(
      `both schedules and workers of both, 5 periods: ${String(load.reads)} reads, fetches of each key of B ${String(ofB)}, of C ${String(ofC)}`,
    );
    expect(Math.max(...ofB, ...ofC)).toBeLessThanOrEqual(5 + 2);
    expect(load.failures).toEqual([]);
    for (const app of [old, next, further]) {
      expect(failuresOf(app)).toEqual([]);
      expect(app.of('unknown-job').length).toBeLessThanOrEqual(1);
    }
    // The deploy is over.
    await Promise.all([old.close(), further.close()]);
    const after = origin.fetches.length;
    await eventually(() => expect(Math.min(...fetchesOf('C', after))).toBeGreaterThan(2), next);
  });

  it('a process that only asks removes nothing', async () => {
    const next = await start('new', { C: KEPT_WARM });
    await expectSchedules(next, ['C']);
    await start('old', { B: KEPT_WARM }, asking);
    await expectSchedules(next, ['B', 'C']);
  });

  it('a rollback: the schedule of the new release is gone, that of the old one is there at once', async () => {
    const next = await start('new', { C: KEPT_WARM });
    await expectSchedules(next, ['C']);
    await next.close();
    const old = await start('old', { B: KEPT_WARM });
    await expectSchedules(old, ['B']);
    const before = origin.fetches.length;
    await eventually(() => expect(Math.min(...fetchesOf('B', before))).toBeGreaterThan(1));
    expect(fetchesOf('C', before)).toEqual([0, 0]);
    expect(await old.queue.getJobCounts()).toMatchObject({ failed: 0 });
  });
});

it('a schedule of one job in two versions: each tick is for the version of the worker that it meets', async () => {
  const [old, next] = [
    await start('old', { B: { ...KEPT_WARM, version: 1 } }),
    await start('new', { B: { ...KEPT_WARM, version: 2 } }),
  ];
  await expectSchedules(old, ['B']);
  const before = origin.fetches.length;
  const load = await readWhile([old, next], KEYS, () =>
    eventually(() => {
      for (const release of ['old', 'new']) expect(Math.min(...fetchesOf('B', before, release))).toBeGreaterThan(2);
    }, old),
  );
  expect(load.failures).toEqual([]);
  expect(load.origins).toEqual({ 'old B': ['old'], 'new B': ['new'] });
});

// If ticks waited for the deploy as requests do, all of them would run after it.
it('ticks of a newer release of the package do not pile up before old workers', async () => {
  const old = await start('old', { B: { ttl: '1h' } });
  const next = await withNewerPackage({ requests: true }, () => start('new', { B: KEPT_WARM }, asking));
  await expectSchedules(old, ['B']);
  await sleep(5 * PERIOD);
  expect(failuresOf(old)).toEqual([]);
  // The next one.
  expect(await next.queue.getDelayedCount()).toBeLessThanOrEqual(2);
});
