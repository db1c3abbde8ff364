import { Injectable } from '@nestjs/common';
import { AsyncCached, AsyncCacheJob, type ProcessedRead, UnkeyableArgumentError } from 'nestjs-async-cache';
import { describe, expect, it } from 'vitest';
import { RecordingRefreshQueue } from '../../lib/testing/recording-refresh-queue.js';
import { type CaseEnvironment, executed } from './case-world.js';
import type { InWorld } from './describe-cases.js';

/**
 * What django-cacheback's own tests say. Job J: ttl 600 s; JE: no fetch on a miss; JS: fetches values older than 900 s
 * in the caller.
 */
export function describeSeedCases({ time, shared }: CaseEnvironment, inWorld: InWorld): void {
  const exact = it.runIf(time === 'manual');

  describe('1. an empty cache', () => {
    it(
      'get gives the fetched value',
      inWorld(async (world) => {
        const { job } = await world.job(executed(), { ttl: world.minutes(10) });
        expect(await job.get('foo')).toBe('JOB-EXECUTED:foo #1');
      }),
    );

    it(
      'a job without arguments works the same',
      inWorld(async (world) => {
        const { job } = await world.job(executed());
        expect(await job.get()).toBe('JOB-EXECUTED: #1');
        expect(await job.get()).toBe('JOB-EXECUTED: #1');
      }),
    );

    it(
      'a decorated method works the same',
      inWorld(async (world) => {
        const fetch = executed();
        @Injectable()
        class Reports {
          @AsyncCached(600)
          async sales(region: string): Promise<string> {
            return fetch(region);
          }
        }
        const app = await world.open({ providers: [Reports] });
        expect(await app.get(Reports).sales('foo')).toBe('JOB-EXECUTED:foo #1');
        expect(await app.get(Reports).sales('foo')).toBe('JOB-EXECUTED:foo #1');
        expect(await app.cache.of(Reports, 'sales').read('foo')).toMatchObject({ status: 'hit' });
      }),
    );
  });

  describe('2. a job that does not fetch on a miss', () => {
    it(
      'answers empty and requests one refresh; after the worker ran, the fetched value',
      inWorld(async (world) => {
        const fetch = executed();
        const { job, of } = bound(await world.job(fetch, { fetchOnMiss: false }));
        expect(await job.get('foo')).toBeNull();
        await world.eventually(() => expect(of('stored')).toHaveLength(1));
        expect(await job.read('foo')).toMatchObject({ value: 'JOB-EXECUTED:foo #1', status: 'hit' });
        expect(of('refresh-requested')).toHaveLength(1);
        expect(fetch.calls).toHaveLength(1);
      }),
    );

    it(
      'while it is pending, read says so: a placeholder is not a hit',
      inWorld(async (world) => {
        const queue = new RecordingRefreshQueue();
        const { job } = await world.job(executed(), { fetchOnMiss: false }, { queue });
        for (let read = 0; read < 3; read++) {
          expect(await job.read('foo')).toMatchObject({ value: null, status: 'miss', refreshing: true });
          await world.settle();
        }
        expect(queue.requests).toHaveLength(1);
      }),
    );
  });

  describe('3. filled at 14:00', () => {
    exact(
      'at 14:05 the same value, and nothing is requested',
      inWorld(async (world) => {
        const fetch = executed();
        const { job, of } = bound(await world.job(fetch, { ttl: world.minutes(10) }));
        await job.get('foo');
        await world.pass(5);
        expect(await job.read('foo')).toMatchObject({ value: 'JOB-EXECUTED:foo #1', status: 'hit', refreshing: false });
        await world.settle();
        expect(of('refresh-requested')).toEqual([]);
        expect(fetch.calls).toHaveLength(1);
      }),
    );

    exact(
      'exactly at ttl it is still fresh',
      inWorld(async (world) => {
        const { job } = await world.job(executed(), { ttl: world.minutes(10) });
        await job.get('foo');
        await world.pass(10);
        expect(await job.read('foo')).toMatchObject({ status: 'hit', age: 600 });
        await world.passMs(1);
        expect(await job.read('foo')).toMatchObject({ status: 'stale' });
      }),
    );
  });

  it(
    '4. filled at 14:00, at 14:14 the same value at once and one refresh; after it, the newer value',
    inWorld(async (world) => {
      const fetch = executed();
      const queue = new RecordingRefreshQueue();
      const ttl = (value: string): number => (value.endsWith('#1') ? world.minutes(10) : 3_600);
      const { job } = await world.job<[string], string>(fetch, { ttl }, { queue });
      await job.get('foo');
      await world.pass(14);
      expect(await job.read('foo')).toMatchObject({ value: 'JOB-EXECUTED:foo #1', status: 'stale', refreshing: true });
      expect(await job.get('foo')).toBe('JOB-EXECUTED:foo #1');
      await world.settle();
      expect(queue.requests).toHaveLength(1);
      await world.pass(2);
      expect(await queue.run()).toEqual([{ kind: 'stored' }]);
      await world.pass(1);
      expect(await job.read('foo')).toMatchObject({ value: 'JOB-EXECUTED:foo #2', status: 'hit' });
      expect(fetch.calls).toHaveLength(2);
    }),
  );

  describe('5. a threshold of 900 s, filled at 14:00', () => {
    it(
      'at 14:16 the newer value, fetched in the caller',
      inWorld(async (world) => {
        const { job } = await world.job(executed(), {
          ttl: world.minutes(10),
          fetchOnStaleThreshold: world.minutes(15),
        });
        await job.get('foo');
        await world.pass(16);
        expect(await job.read('foo')).toMatchObject({ value: 'JOB-EXECUTED:foo #2', status: 'miss' });
      }),
    );

    it(
      'at 14:12 the old one',
      inWorld(async (world) => {
        const { job } = await world.job(executed(), {
          ttl: world.minutes(10),
          fetchOnStaleThreshold: world.exact ? 900 : 3_600,
        });
        await job.get('foo');
        await world.pass(12);
        expect(await job.read('foo')).toMatchObject({ value: 'JOB-EXECUTED:foo #1', status: 'stale' });
      }),
    );

    exact(
      'at 14:14, and exactly at the threshold, still the old one',
      inWorld(async (world) => {
        const { job } = await world.job(
          executed(),
          { ttl: 600, fetchOnStaleThreshold: 900 },
          { queue: new RecordingRefreshQueue() },
        );
        await job.get('foo');
        await world.pass(14);
        expect(await job.get('foo')).toBe('JOB-EXECUTED:foo #1');
        await world.pass(1);
        expect(await job.get('foo')).toBe('JOB-EXECUTED:foo #1');
        await world.passMs(1);
        expect(await job.get('foo')).toBe('JOB-EXECUTED:foo #2');
      }),
    );
  });

  it(
    '6. two arguments are two entries; ten gets of one are one fetch',
    inWorld(async (world) => {
      const fetch = executed();
      const { job } = await world.job(fetch);
      expect([await job.get('foo'), await job.get('bar')]).toEqual(['JOB-EXECUTED:foo #1', 'JOB-EXECUTED:bar #2']);
      for (let read = 0; read < 10; read++) expect(await job.get('foo')).toBe('JOB-EXECUTED:foo #1');
      expect(fetch.calls).toHaveLength(2);
    }),
  );

  describe('7. invalidate', () => {
    it(
      'of what is not cached requests nothing',
      inWorld(async (world) => {
        const { job, of } = bound(await world.job(executed()));
        await job.invalidate('foo');
        await world.settle();
        expect(of('refresh-requested')).toEqual([]);
      }),
    );

    it(
      'of what is cached is exactly one refresh; three times, still one',
      inWorld(async (world) => {
        const queue = new RecordingRefreshQueue();
        const fetch = executed();
        const { job } = await world.job(fetch, {}, { queue });
        await job.get('foo');
        for (let time = 0; time < 3; time++) {
          await job.invalidate('foo');
          await world.settle();
          expect(await job.read('foo')).toMatchObject({ value: 'JOB-EXECUTED:foo #1', status: 'stale' });
        }
        expect(queue.requests).toHaveLength(1);
        await queue.run();
        await world.eventually(async () =>
          expect(await job.read('foo')).toMatchObject({ value: 'JOB-EXECUTED:foo #2', status: 'hit' }),
        );
        expect(fetch.calls).toHaveLength(2);
      }),
    );
  });

  describe('8. delete', () => {
    it(
      'of an absent key is no error',
      inWorld(async (world) => {
        const { job } = await world.job(executed());
        expect(await job.delete('foo')).toBe(false);
      }),
    );

    it(
      'of a present one: it is absent, and the next get is a miss',
      inWorld(async (world) => {
        const { job } = await world.job(executed());
        await job.get('foo');
        expect(await job.delete('foo')).toBe(true);
        expect(await job.peek('foo')).toBeUndefined();
        expect(await job.read('foo')).toMatchObject({ value: 'JOB-EXECUTED:foo #2', status: 'miss' });
      }),
    );
  });

  describe('9. set and peek', () => {
    it(
      'what is set is what get gives, also over a cached value',
      inWorld(async (world) => {
        const { job } = await world.job(executed());
        await job.set(['foo'], 'V');
        expect(await job.get('foo')).toBe('V');
        await job.get('bar');
        await job.set(['bar'], 'W');
        expect(await job.get('bar')).toBe('W');
      }),
    );

    it(
      'peek shows the value with its age and bounds',
      inWorld(async (world) => {
        const { job } = await world.job(executed(), { ttl: 600, grace: 1_200 });
        await job.set(['foo'], 'V');
        await world.pass(5);
        const peeked = (await job.peek('foo'))!;
        expect(peeked).toMatchObject({ value: 'V', status: 'fresh', failures: 0 });
        // The server's time is known to half a round trip only, and a busy machine makes round trips long.
        expect(peeked.age).toBeGreaterThanOrEqual(world.minutes(4));
        expect(peeked.freshUntil.getTime() - peeked.storedAt.getTime()).toBe(600_000);
        expect(peeked.staleUntil.getTime() - peeked.freshUntil.getTime()).toBe(1_200_000);
      }),
    );

    it(
      'peek of nothing is undefined and requests nothing',
      inWorld(async (world) => {
        const { job, events } = await world.job(executed(), { fetchOnMiss: false });
        expect(await job.peek('foo')).toBeUndefined();
        await world.settle();
        expect(events).toEqual([]);
      }),
    );
  });

  describe('10. the queue throws', () => {
    it(
      'a stale entry is served, and the refresh still happens',
      inWorld(async (world) => {
        const queue = new RecordingRefreshQueue();
        queue.failNext(new Error('no queue'), 1_000);
        const { job, of } = bound(await world.job(executed(), { ttl: world.minutes(1) }, { queue }));
        await job.get('foo');
        await world.pass(2);
        expect(await job.get('foo')).toBe('JOB-EXECUTED:foo #1');
        await world.eventually(() => expect(of('stored')).toHaveLength(2));
        expect(of('queue-failed')).toMatchObject([{ error: new Error('no queue') }]);
      }),
    );

    it(
      'and the fetch throws as well: no error reaches the reader, one is reported',
      inWorld(async (world) => {
        const queue = new RecordingRefreshQueue();
        queue.failNext(new Error('no queue'), 1_000);
        const { job, of } = bound(
          await world.job(
            (_name: string) => Promise.reject<string>(new Error('down')),
            { ttl: world.minutes(1), backoff: { initial: '1h', max: '1h' } },
            { queue },
          ),
        );
        await job.set(['foo'], 'old');
        await world.pass(2);
        expect(await job.get('foo')).toBe('old');
        await world.eventually(() => expect(of('refresh-failed')).toMatchObject([{ error: new Error('down') }]));
        expect(await job.get('foo')).toBe('old');
        await world.settle();
        expect(of('refresh-failed')).toHaveLength(1);
        expect(of('miss')).toEqual([]);
      }),
    );
  });

  describe('11. the worker', () => {
    it(
      'that meets an unknown job reports it with its name, and the request is not lost',
      inWorld(async (world) => {
        const queue = new RecordingRefreshQueue();
        const { of } = bound(await world.job(executed(), {}, { queue }));
        await queue.request([{ job: 'Gone.method', key: 'k', generation: '', args: [], options: {} }]);
        expect(await queue.run()).toMatchObject([{ kind: 'unknown-job' }]);
        await queue.run();
        expect(of('unknown-job')).toMatchObject([{ job: 'Gone.method' }]);
        expect(String(of('unknown-job')[0]?.error)).toContain('Gone.method');
        expect(queue.pending).toHaveLength(1);
      }),
    );

    it(
      'whose fetch throws reports it once, tells the queue, and the value stays',
      inWorld(async (world) => {
        const queue = new RecordingRefreshQueue();
        const error = new Error('down');
        const { job, of } = bound(
          await world.job((_name: string) => Promise.reject<string>(error), { ttl: world.minutes(1) }, { queue }),
        );
        await job.set(['foo'], 'old');
        await world.pass(2);
        await job.get('foo');
        await world.settle();
        expect(await queue.run()).toMatchObject([{ kind: 'failed', error }]);
        expect(of('refresh-failed')).toMatchObject([{ error, failures: 1 }]);
        expect(await job.get('foo')).toBe('old');
      }),
    );
  });

  describe('12. a job class with dependencies', () => {
    it(
      'is refreshed with the live instance of the application',
      inWorld(async (world) => {
        @Injectable()
        class Origin {
          calls = 0;
          answer(name: string): string {
            return `${name} #${String(++this.calls)}`;
          }
        }
        const ttl = world.minutes(1);
        @Injectable()
        class Tweets extends AsyncCacheJob {
          ttl = ttl;
          constructor(private readonly origin: Origin) {
            super();
          }
          override async fetch(name: string): Promise<string> {
            return this.origin.answer(name);
          }
        }
        const app = await world.open({ providers: [Origin, Tweets] });
        const tweets = app.get(Tweets);
        expect(await tweets.get('bob')).toBe('bob #1');
        await world.pass(2);
        expect(await tweets.get('bob')).toBe('bob #1');
        await world.eventually(async () => expect((await tweets.peek('bob'))?.value).toBe('bob #2'));
      }),
    );

    it.runIf(shared)(
      "is refreshed in another process with that process's own instances",
      inWorld(async (world) => {
        class Host {
          constructor(readonly name: string) {}
        }
        const ttl = world.minutes(1);
        @Injectable()
        class WhoRuns extends AsyncCacheJob {
          ttl = ttl;
          constructor(private readonly host: Host) {
            super();
          }
          override async fetch(): Promise<string> {
            return this.host.name;
          }
        }
        const host = (name: string) => ({ provide: Host, useValue: new Host(name) });
        const web = await world.open({ providers: [host('web'), WhoRuns], options: { worker: false } });
        await world.open({ providers: [host('worker'), WhoRuns] });
        expect(await web.get(WhoRuns).get()).toBe('web');
        await world.pass(2);
        expect(await web.get(WhoRuns).get()).toBe('web');
        await world.eventually(async () => expect((await web.get(WhoRuns).peek())?.value).toBe('worker'));
      }),
    );
  });

  it(
    '13. a job with a named store writes there and not to the default',
    inWorld(async (world) => {
      @Injectable()
      class Small extends AsyncCacheJob {
        store = 'small';
        override async fetch(id: number): Promise<number> {
          return id;
        }
      }
      @Injectable()
      class Large extends AsyncCacheJob {
        override async fetch(id: number): Promise<number> {
          return id;
        }
      }
      const app = await world.open({ providers: [Small, Large], options: { stores: { small: { max: 1 } } } });
      for (const id of [1, 2]) {
        await app.get(Small).get(id);
        await app.get(Large).get(id);
      }
      // From outside, the two stores differ only in how many entries they hold.
      expect([await app.get(Small).peek(1), await app.get(Small).peek(2)]).toMatchObject([undefined, { value: 2 }]);
      expect([await app.get(Large).peek(1), await app.get(Large).peek(2)]).toMatchObject([{ value: 1 }, { value: 2 }]);
    }),
  );

  it(
    '14. ttl, empty, key, fetch on miss and on stale are decided per arguments by overriding a method',
    inWorld(async (world) => {
      const seconds = world.minutes(1);
      @Injectable()
      class Deciding extends AsyncCacheJob {
        fetches = 0;
        ttl(_value: string, name: string): number {
          return name.startsWith('short') ? seconds : 3_600;
        }
        empty(name: string): string {
          return `no ${name} yet`;
        }
        key(name: string): string {
          return name.toUpperCase();
        }
        fetchOnMiss(name: string): boolean {
          return !name.startsWith('later');
        }
        fetchOnStaleThreshold(name: string): number {
          return name === 'short exact' ? seconds : 3_600;
        }
        override async fetch(name: string): Promise<string> {
          return `${name} #${String(++this.fetches)}`;
        }
      }
      const { get } = await world.open({ providers: [Deciding] }).then((app) => ({ get: app.get(Deciding) }));
      expect(await get.get('later')).toBe('no later yet');
      await world.eventually(async () => expect(await get.get('later')).toBe('later #1'));
      expect(await get.get('long')).toBe('long #2');
      expect(await get.get('LONG')).toBe('long #2');
      expect(await get.get('short')).toBe('short #3');
      expect(await get.get('short exact')).toBe('short exact #4');
      await world.pass(2);
      expect(await get.read('long')).toMatchObject({ status: 'hit' });
      expect(await get.read('short')).toMatchObject({ status: 'stale' });
      expect((await get.read('short exact')).status).toBe('miss');
    }),
  );

  it(
    '15. processResult sees value, arguments, status, and whether a fetch was made',
    inWorld(async (world) => {
      const seen: unknown[] = [];
      const queue = new RecordingRefreshQueue();
      const { job } = await world.job(
        executed(),
        {
          processResult: (value: string, { args, status, fetched }: ProcessedRead) => {
            seen.push([value, args, status, fetched]);
            return value;
          },
        },
        { queue },
      );
      await job.get('foo');
      await job.get('foo');
      await job.invalidate('foo');
      await job.get('foo');
      expect(seen).toEqual([
        ['JOB-EXECUTED:foo #1', ['foo'], 'miss', true],
        ['JOB-EXECUTED:foo #1', ['foo'], 'hit', false],
        ['JOB-EXECUTED:foo #1', ['foo'], 'stale', false],
      ]);
    }),
  );

  it(
    '17. arguments that cannot be a key are a clear error naming the job and the argument',
    inWorld(async (world) => {
      const fetch = executed();
      const { job } = await world.job(fetch);
      const cycle: Record<string, unknown> = {};
      cycle.self = cycle;
      for (const argument of [() => 1, Symbol('s'), process.stdout, cycle, { deep: [() => 1] }]) {
        const error = await job.get('ok', argument).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(UnkeyableArgumentError);
        expect((error as Error).message).toMatch(/^J: argument 2/);
      }
      expect(fetch.calls).toEqual([]);
    }),
  );

  it(
    '18. different arguments are different keys, equal ones the same, also after the queue',
    inWorld(async (world) => {
      const queue = new RecordingRefreshQueue();
      const { job, of } = bound(await world.job(executed(), {}, { queue }));
      const different = [
        [1],
        ['1'],
        [null],
        ['null'],
        ['a:b'],
        ['a', 'b'],
        [[1, 2]],
        ['[1, 2]'],
        [{ a: 1, b: 2 }],
        [true],
        ['true'],
        [1n],
        [new Date(0)],
      ];
      for (const args of different) await job.get(...args);
      expect(new Set(of('miss').map(({ key }) => key)).size).toBe(different.length);
      expect(await job.read({ b: 2, a: 1 })).toMatchObject({ status: 'hit' });
      expect(await job.read({ b: 2, a: 1, c: undefined })).toMatchObject({ status: 'hit' });
      for (const args of different) await job.invalidate(...args);
      for (const args of different) expect(await job.read(...args)).toMatchObject({ status: 'stale' });
      await world.settle();
      expect(queue.requests.map(({ key }) => key)).toEqual(of('miss').map(({ key }) => key));
      await queue.run();
      await world.eventually(async () => {
        const refreshed = await Promise.all(different.map(async (args) => (await job.peek(...args))?.value as string));
        expect(refreshed.map((value) => Number(value.split('#')[1]) > different.length)).toEqual(
          different.map(() => true),
        );
      });
    }),
  );

  it(
    '19. null, undefined, false, 0, empty text and an empty list are cached',
    inWorld(async (world) => {
      const values = [null, undefined, false, 0, '', []];
      let fetches = 0;
      const { job } = await world.job((index: number) => {
        fetches++;
        return values[index];
      });
      for (const [index, value] of values.entries()) {
        expect(await job.get(index)).toEqual(value);
        expect(await job.read(index)).toMatchObject({ value, status: 'hit' });
      }
      expect(fetches).toBe(values.length);
    }),
  );
}

/** `of` without its receiver, which reads better in a case. */
function bound<App extends { of: unknown }>(app: App): App {
  return Object.assign(app, { of: (app.of as (...args: unknown[]) => unknown).bind(app) });
}
