import type { AsyncCacheOptions } from 'nestjs-async-cache';
import { beforeEach, describe, expect, it } from 'vitest';
import { NEWER_REQUEST_VERSION, withNewerPackage } from './newer-package.js';
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

const start = (name: string, own: AsyncCacheOptions = {}): Promise<ReleaseApp> =>
  startRelease(name, { origin, jobs: { Report: { ttl: '1h' } }, options: { ...options, ...own } });
const startNewer = (name: string, own: AsyncCacheOptions = {}) =>
  withNewerPackage({ requests: true }, () => start(name, own));

const fill = ({ jobs }: ReleaseApp) => Promise.all(KEYS.map((key) => jobs.Report!.get(key)));
const makeStale = ({ jobs }: ReleaseApp) => Promise.all(KEYS.map((key) => jobs.Report!.invalidate(key)));
const fetches = (from: number): number[] => origin.counts('Report', KEYS, from);
const versionsIn = async ({ queue }: ReleaseApp): Promise<unknown[]> =>
  (await queue.getJobs(['delayed', 'waiting', 'active'])).map(({ data }: { data: { v: unknown } }) => data.v);

describe('requests of a newer release of the package, and a worker of the old one', () => {
  it('are put off, and run once when a worker comes that understands them', async () => {
    const [web, old] = [await startNewer('new', asking), await start('old')];
    await fill(web);
    const before = origin.fetches.length;
    // Readers of the old release would request as well, and would be served at once if their request came first.
    const load = await readWhile([web], KEYS, async () => {
      await makeStale(web);
      await eventually(async () => expect(await web.queue.getDelayedCount()).toBe(KEYS.length));
      expect(await versionsIn(web)).toEqual(KEYS.map(() => NEWER_REQUEST_VERSION));
      expect((await web.job('Report').read('1')).status).toBe('stale');
      expect(fetches(before)).toEqual(NEVER);
      await old.close();
      await startNewer('new');
      await eventually(() => expect(fetches(before)).toEqual(ONCE));
    });
    await eventually(async () => expect(await requestsIn(web)).toBe(0));
    console.log(`newer requests: ${String(load.reads)} reads, ${String(load.failures.length)} failed`);
    expect(load.failures).toEqual([]);
    expect([...old.of('refresh-failed'), ...old.of('store-failed')]).toEqual([]);
  });

  it('as long as they wait, those of the old release for the same value are the same ones', async () => {
    const [web, old] = [await startNewer('new', asking), await start('old')];
    await fill(web);
    const before = origin.fetches.length;
    await makeStale(web);
    await eventually(async () => expect(await web.queue.getDelayedCount()).toBe(KEYS.length));
    await makeStale(old);
    expect(await versionsIn(web)).toEqual(KEYS.map(() => NEWER_REQUEST_VERSION));
    expect(fetches(before)).toEqual(NEVER);
    await startNewer('new');
    await eventually(() => expect(fetches(before)).toEqual(ONCE), web);
  });

  it('with workers of both: one refresh of each key', async () => {
    const [old, next] = [await start('old'), await startNewer('new')];
    await fill(old);
    const before = origin.fetches.length;
    const load = await readWhile([old, next], KEYS, async () => {
      await makeStale(next);
      await eventually(() => expect(fetches(before)).toEqual(ONCE), old);
    });
    await eventually(async () => expect(await requestsIn(old)).toBe(0), old);
    expect(load.failures).toEqual([]);
  });

  it('requests of the old release are run by the new one', async () => {
    const [web, next] = [await start('old', asking), await startNewer('new')];
    await fill(web);
    const before = origin.fetches.length;
    await makeStale(web);
    await eventually(() => expect(origin.counts('Report', KEYS, before, next.name)).toEqual(ONCE));
  });

  it('are reported once', async () => {
    const [web, old] = [await startNewer('new', asking), await start('old')];
    await fill(web);
    await makeStale(web);
    await eventually(async () => expect(await web.queue.getDelayedCount()).toBe(KEYS.length));
    expect(old.events.filter(({ type }) => type === 'unknown-job' || type === 'queue-failed')).toHaveLength(1);
  });
});
