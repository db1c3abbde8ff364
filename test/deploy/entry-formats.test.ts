import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { AsyncCacheOptions, JobOptions } from 'nestjs-async-cache';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Novelties, withNewerPackage } from './newer-package.js';
import {
  applicationOptions,
  asking,
  eventually,
  Origin,
  readWhile,
  type ReleaseApp,
  startRelease,
} from './release-app.js';

const KEYS = ['1', '2', '3', '4'];
const ONCE = KEYS.map(() => 1);
const TTL = 400;

let redis: Redis;
beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
});
afterAll(() => redis.disconnect());

let origin: Origin;
let options: AsyncCacheOptions;
beforeEach(() => {
  origin = new Origin();
  options = applicationOptions();
});

const JOB: JobOptions = { ttl: '1h', tags: ['reports'] };

const start = (name: string, own: AsyncCacheOptions = {}, job: JobOptions = {}): Promise<ReleaseApp> =>
  startRelease(name, { origin, jobs: { Report: { ...JOB, ...job } }, options: { ...options, ...own } });

const startNewer = (
  name: string,
  own: AsyncCacheOptions = {},
  job: JobOptions = {},
  entries: Novelties['entries'] = 'reads both',
) => withNewerPackage({ entries }, () => start(name, own, job));

const entryOf = (key: string): string => `${String(options.prefix)}:e:{Report:"${key}"}`;
const headerOf = async (key: string): Promise<string> => ((await redis.hget(entryOf(key), 'h')) ?? '').slice(0, 2);
const headers = async (): Promise<string[]> => [...new Set(await Promise.all(KEYS.map(headerOf)))];
const readAll = ({ jobs }: ReleaseApp) => Promise.all(KEYS.map((key) => jobs.Report!.read(key)));
const statusesOf = async (app: ReleaseApp): Promise<string[]> => [
  ...new Set((await readAll(app)).map(({ status }) => status)),
];
const fetches = (from = 0, release?: string): number[] => origin.counts('Report', KEYS, from, release);

describe('entries of a newer format', () => {
  it.each([
    ['as a newer release would write them', (header: string) => `2${header.slice(1)}`, 'v'],
    ['with everything else at other places', () => '2 [] {"ttl":1}', 'data'],
    ['of a version far ahead', (header: string) => `17${header.slice(1)}`, 'v'],
  ])(
    '%s: reads are misses and never fail, it is reported, and what takes their place both can read',
    async (_, header, field) => {
      const app = await start('old');
      await readAll(app);
      const before = origin.fetches.length;
      // Half of the keys, interleaved with those that can be read.
      const foreign = KEYS.filter((_, index) => index % 2 === 1);
      const load = await readWhile([app], KEYS, async () => {
        for (const key of foreign) {
          const [written, value] = await redis.hmgetBuffer(entryOf(key), 'h', 'v');
          await redis
            .multi()
            .del(entryOf(key))
            .hset(entryOf(key), { h: header(String(written)), [field]: value! })
            .exec();
        }
        await eventually(() => expect(fetches(before)).toEqual([0, 1, 0, 1]));
        await eventually(async () => expect(await headers()).toEqual(['1 ']));
      });
      const reported = app.of('store-failed');
      console.log(
        `newer entries: ${String(load.reads)} reads, ${String(load.failures.length)} failed, fetches of each key ${String(fetches(before))}, reports ${String(reported.length)}`,
      );
      expect(load.failures).toEqual([]);
      // Any one of them, since each process reports the first that it finds.
      expect(reported).toHaveLength(1);
      expect(foreign.map((key) => `Report:"${key}"`)).toContain(reported[0]?.key);
      expect(await statusesOf(app)).toEqual(['hit']);
    },
  );
});

describe('a newer release of the package that writes another format and reads both', () => {
  it('a deploy and a rollback: no fetch when the new release comes, one of each key when the old one is back', async () => {
    const old = await start('old');
    await readAll(old);
    const next = await startNewer('new');
    expect(await statusesOf(next)).toEqual(['hit']);
    expect(fetches()).toEqual(ONCE);
    await Promise.all(KEYS.map((key) => next.job('Report').refresh(key)));
    expect(await headers()).toEqual(['2 ']);
    await next.close();
    const before = origin.fetches.length;
    // Redis reports the changes, so copies are dropped soon.
    await eventually(async () => {
      expect(await statusesOf(old)).toEqual(['hit']);
      expect(fetches(before, 'old')).toEqual(ONCE);
    });
    expect(await headers()).toEqual(['1 ']);
    expect(old.of('store-failed')).toHaveLength(1);
  });

  /** The largest number of fetches of one key in the given number of ttls, with both releases side by side. */
  async function mostFetches(
    ttls: number,
    entries: Novelties['entries'],
  ): Promise<{ most: number; failures: readonly unknown[]; reads: number }> {
    const [old, next] = [
      await start('old', {}, { ttl: TTL / 1_000 }),
      await startNewer('new', {}, { ttl: TTL / 1_000 }, entries),
    ];
    const load = await readWhile([old, next], KEYS, async () => {
      await eventually(() => expect(Math.min(...fetches())).toBeGreaterThan(0));
      const before = origin.fetches.length;
      await sleep(ttls * TTL);
      most = Math.max(...fetches(before));
    });
    return { most, ...load };
  }
  let most: number;

  it('side by side: at most one fetch more of each key in each ttl', async () => {
    const TTLS = 6;
    const { most, failures, reads } = await mostFetches(TTLS, 'reads both');
    console.log(
      `both formats side by side: ${String(reads)} reads, ${String(failures.length)} failed, at most ${String(most)} fetches of a key in ${String(TTLS)} ttls`,
    );
    expect(failures).toEqual([]);
    expect(most).toBeGreaterThanOrEqual(TTLS / 2);
    expect(most).toBeLessThanOrEqual(2 * (TTLS + 1));
  });

  it('if it did not read the former one there would be no end of them: the control', async () => {
    const TTLS = 3;
    const { most, failures, reads } = await mostFetches(TTLS, 'reads its own');
    console.log(
      `neither reads the other's: ${String(reads)} reads, ${String(failures.length)} failed, ${String(most)} fetches of a key in ${String(TTLS)} ttls`,
    );
    expect(failures).toEqual([]);
    expect(most).toBeGreaterThan(2 * (TTLS + 1));
  });
});

describe('changes by the old release to an entry of the newer format', () => {
  const CHANGES: [string, (old: ReleaseApp) => Promise<unknown>, readonly string[]][] = [
    ['delete', (old) => old.job('Report').delete('1'), ['miss']],
    ['invalidate', (old) => old.job('Report').invalidate('1'), ['stale', 'miss']],
    ['deleteTags', (old) => old.cache.deleteTags('reports'), ['miss']],
    ['invalidateTags', (old) => old.cache.invalidateTags('reports'), ['stale', 'miss']],
    ['clear', (old) => old.cache.clear(), ['miss']],
  ];
  it.each(CHANGES)('%s: the new release does not go on serving it', async (_, change, statuses) => {
    const [old, next] = [await start('old', asking), await startNewer('new', asking)];
    await next.job('Report').get('1');
    expect(await headerOf('1')).toBe('2 ');
    await change(old);
    // Until Redis has reported the change and the copy is dropped.
    await sleep(100);
    expect(statuses).toContain((await next.job('Report').read('1')).status);
  });

  it('a request for its refresh is not lost', async () => {
    const [web, old] = [await startNewer('new', asking), await start('old')];
    await readAll(web);
    const before = origin.fetches.length;
    const load = await readWhile([web], KEYS, async () => {
      await Promise.all(KEYS.map((key) => web.job('Report').invalidate(key)));
      await eventually(() =>
        expect(old.of('refresh-skipped').length + origin.fetches.length - before).toBe(KEYS.length),
      );
      expect(fetches(before)).toEqual(ONCE);
    });
    expect(load.failures).toEqual([]);
  });

  it('a read of it while the origin fails does not cost the new release its value', async () => {
    const [old, next] = [await start('old', asking), await startNewer('new', asking)];
    await next.job('Report').get('1');
    origin.failing = true;
    await old
      .job('Report')
      .get('1')
      .catch(() => undefined);
    await sleep(100);
    expect(
      await next
        .job('Report')
        .read('1')
        .catch(() => 'lost'),
    ).toMatchObject({ status: 'hit' });
  });
});
