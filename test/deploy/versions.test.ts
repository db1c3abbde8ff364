import { setTimeout as sleep } from 'node:timers/promises';
import type { AsyncCacheOptions, JobOptions } from 'nestjs-async-cache';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { JobKeys } from '../../lib/core/job/job-keys.js';
import {
  applicationOptions,
  asking,
  eventually,
  Origin,
  readWhile,
  type ReleaseApp,
  requestsIn,
  startRelease,
} from './release-app.js';

const KEYS = ['1', '2', '3', '4'];
const ONCE = KEYS.map(() => 1);
const NEVER = KEYS.map(() => 0);

let origin: Origin;
let options: AsyncCacheOptions;
beforeEach(() => {
  origin = new Origin();
  options = applicationOptions();
});

/** A release with one job, `Report`, of the version. */
function start(
  name: string,
  version: number | undefined,
  { worker = true, batches = false } = {},
): Promise<ReleaseApp> {
  const Report: JobOptions = { ttl: '1h', tags: ['reports'], ...(version === undefined ? {} : { version }) };
  return startRelease(name, { origin, jobs: { Report }, batches, options: { ...options, ...(worker ? {} : asking) } });
}

const readAll = ({ jobs }: ReleaseApp) => Promise.all(KEYS.map((key) => jobs.Report!.read(key)));
const statusesOf = async (app: ReleaseApp): Promise<string[]> => [
  ...new Set((await readAll(app)).map(({ status }) => status)),
];
const invalidateAll = ({ jobs }: ReleaseApp) => Promise.all(KEYS.map((key) => jobs.Report!.invalidate(key)));
const fetchesOf = (release: string, from = 0): number[] => origin.counts('Report', KEYS, from, release);

describe('two versions of one job, side by side', () => {
  it('have entries of their own: one fetch of each key for each version, and no value of the other', async () => {
    const [old, next] = [await start('old', 1), await start('new', 2)];
    const load = await readWhile([old, next], KEYS, () =>
      eventually(() => {
        expect(fetchesOf('old')).toEqual(ONCE);
        expect(fetchesOf('new')).toEqual(ONCE);
      }),
    );
    expect(load.failures).toEqual([]);
    expect(load.origins).toEqual({ 'old Report': ['old'], 'new Report': ['new'] });
    expect(origin.fetches).toHaveLength(2 * KEYS.length);
  });

  it('without a version they would share them: the control', async () => {
    const [old, next] = [await start('old', undefined), await start('new', undefined)];
    await readAll(old);
    const load = await readWhile([old, next], KEYS, () =>
      eventually(() => expect(next.cache.stats().hits).toBeGreaterThan(KEYS.length)),
    );
    expect(load.origins['new Report']).toEqual(['old']);
    expect(origin.fetches).toHaveLength(KEYS.length);
  });

  it('set, invalidate and delete concern the version of the release that calls them', async () => {
    const [old, next] = [await start('old', 1), await start('new', 2, asking)];
    await readAll(old);
    await readAll(next);
    await next.job('Report').delete('1');
    await next.job('Report').set(['2'], { release: 'by hand', job: 'Report', key: '2', number: 0 });
    const before = origin.fetches.length;
    expect(await old.job('Report').read('1')).toMatchObject({ status: 'hit', value: { release: 'old' } });
    expect(await old.job('Report').read('2')).toMatchObject({ status: 'hit', value: { release: 'old' } });
    expect(await next.job('Report').read('2')).toMatchObject({ status: 'hit', value: { release: 'by hand' } });
    await old.job('Report').invalidate('3');
    await eventually(() => expect(fetchesOf('old', before)).toEqual([0, 0, 1, 0]));
    expect(await next.job('Report').read('3')).toMatchObject({ status: 'hit', value: { release: 'new' } });
    expect(fetchesOf('new', before)).toEqual(NEVER);
  });

  it.each([
    ['deleteTags', (app: ReleaseApp) => app.cache.deleteTags('reports'), 'miss'],
    ['invalidateTags', (app: ReleaseApp) => app.cache.invalidateTags('reports'), 'stale'],
    ['clear', (app: ReleaseApp) => app.cache.clear(), 'miss'],
  ])('%s concerns both', async (_, change, status) => {
    const [old, next] = [await start('old', 1), await start('new', 2)];
    await readAll(old);
    await readAll(next);
    const before = origin.fetches.length;
    await change(next);
    // Until Redis has reported the change and the other process has dropped its copies.
    await sleep(100);
    expect(await statusesOf(old)).toEqual([status]);
    expect(await statusesOf(next)).toEqual([status]);
    await eventually(() => {
      expect(fetchesOf('old', before)).toEqual(ONCE);
      expect(fetchesOf('new', before)).toEqual(ONCE);
    }, old);
  });

  it('after a rollback the old release finds its entries without the changes of the new one', async () => {
    const first = await start('old', 1);
    await readAll(first);
    await first.close();
    const next = await start('new', 2);
    await readAll(next);
    await next.job('Report').delete('1');
    await next.close();
    const again = await start('old', 1);
    const before = origin.fetches.length;
    expect(await statusesOf(again)).toEqual(['hit']);
    expect(fetchesOf('old', before)).toEqual(NEVER);
  });
});

describe('a request for a refresh that meets a worker of another version', () => {
  const CASES: [string, { asker: [string, number | undefined]; stranger: [string, number | undefined] }][] = [
    ['the new release asks, the worker is old', { asker: ['new', 2], stranger: ['old', 1] }],
    ['the old release asks, the worker is new', { asker: ['old', 1], stranger: ['new', 2] }],
    ['the new release asks, the worker is old and has no version', { asker: ['new', 1], stranger: ['old', undefined] }],
    ['the old release asks and has no version, the worker is new', { asker: ['old', undefined], stranger: ['new', 1] }],
  ];

  it.each(CASES)(
    '%s: nobody reads what the other one fetched, and the request is not lost',
    async (_, { asker, stranger }) => {
      const [web, worker] = [await start(...asker, asking), await start(...stranger)];
      await readAll(web);
      const before = origin.fetches.length;
      const load = await readWhile([web], KEYS, async () => {
        await invalidateAll(web);
        await eventually(() => expect(worker.of('unknown-job')).toHaveLength(1));
        await eventually(async () => expect(await web.queue.getActiveCount()).toBe(0));
        expect(await statusesOf(web)).toEqual(['stale']);
        await worker.close();
        await start(...asker);
        await eventually(() => expect(fetchesOf(web.name, before)).toEqual(ONCE), web);
      });
      await eventually(async () => expect(await requestsIn(web)).toBe(0));
      expect(load.failures).toEqual([]);
      expect(load.origins).toEqual({ [`${web.name} Report`]: [web.name] });
      expect(fetchesOf(worker.name, before)).toEqual(NEVER);
    },
  );

  it.each([
    ['one by one', false],
    ['in batches', true],
  ])('with workers of both, %s: each version is refreshed by its own, and once', async (_, batches) => {
    const [old, next] = [await start('old', 1, { batches }), await start('new', 2, { batches })];
    await readAll(old);
    await readAll(next);
    const before = origin.fetches.length;
    const load = await readWhile([old, next], KEYS, async () => {
      await invalidateAll(old);
      await invalidateAll(next);
      await eventually(() => {
        expect(fetchesOf('old', before)).toEqual(ONCE);
        expect(fetchesOf('new', before)).toEqual(ONCE);
      }, old);
    });
    console.log(
      `two versions: ${String(load.reads)} reads, values read: ${JSON.stringify(load.origins)}, fetches old ${String(fetchesOf('old', before))}, new ${String(fetchesOf('new', before))}`,
    );
    expect(load.failures).toEqual([]);
    expect(load.origins).toEqual({ 'old Report': ['old'], 'new Report': ['new'] });
  });

  it('whose worker does not look at the version puts its own value into the entry of the other: the control', async () => {
    // The arguments would tell it, too: the key that they make here is of this version.
    const looks = (['includes', 'belong'] as const).map((method) =>
      vi.spyOn(JobKeys.prototype, method).mockReturnValue(true),
    );
    onTestFinished(() => {
      for (const look of looks) look.mockRestore();
    });
    const [web, worker] = [await start('new', 2, asking), await start('old', 1)];
    await readAll(web);
    const before = origin.fetches.length;
    const load = await readWhile([web], KEYS, async () => {
      await invalidateAll(web);
      await eventually(() => expect(fetchesOf(worker.name, before)).toEqual(ONCE));
      await eventually(async () => expect(await requestsIn(web)).toBe(0));
      await eventually(async () => expect(await statusesOf(web)).toEqual(['hit']));
    });
    expect(load.origins).toEqual({ 'new Report': ['new', 'old'] });
    expect((await web.job('Report').peek('1'))?.value.release).toBe('old');
  });
});
