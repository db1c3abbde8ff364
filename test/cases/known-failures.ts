import { Injectable } from '@nestjs/common';
import { AsyncCached, AsyncCacheJob, type CacheManagerCache, refreshContext } from 'nestjs-async-cache';
import { describe, expect, it } from 'vitest';
import { Gate } from '../../lib/testing/gate.js';
import { RecordingRefreshQueue } from '../../lib/testing/recording-refresh-queue.js';
import {
  atOnce,
  type CaseApp,
  type CaseEnvironment,
  type CaseJob,
  type CaseWorld,
  executed,
  jobClass,
} from './case-world.js';
import type { InWorld } from './describe-cases.js';

type StaleApp = CaseApp & { job: CaseJob<unknown[], string>; gate: Gate<string, unknown[]> };

/** An application whose job has the stale value `old`, and a fetch that ends when the case says so. */
async function staleApp(world: CaseWorld, options: object = {}): Promise<StaleApp> {
  const gate = new Gate<string, unknown[]>();
  const app = await world.job(gate.fetch, options);
  await makeStale(world, app.job, 'a');
  return Object.assign(app, { gate });
}

async function makeStale(world: CaseWorld, job: CaseJob<unknown[], string>, ...args: unknown[]): Promise<void> {
  await job.set(args, 'old', { ttl: '1ms' });
  // On a busy machine the estimate of the server's clock is a few milliseconds off.
  await world.passMs(world.exact ? 5 : 50);
}

/** Failures that are known from other caches of this kind. */
export function describeKnownFailures({ time, shared }: CaseEnvironment, inWorld: InWorld): void {
  const exact = it.runIf(time === 'manual');

  describe('stale read', () => {
    it(
      'a fresh entry: the value, no fetch, no refresh',
      inWorld(async (world) => {
        const fetch = executed();
        const app = await world.job(fetch);
        await app.job.set(['a'], 'fresh');
        expect(await app.job.read('a')).toMatchObject({ value: 'fresh', status: 'hit', refreshing: false });
        await world.settle();
        expect(app.of('refresh-requested')).toEqual([]);
        expect(fetch.calls).toEqual([]);
      }),
    );

    it(
      'a stale entry and a slow fetch: the stale value at once',
      inWorld(async (world) => {
        const { job, gate } = await staleApp(world);
        expect(await atOnce(world, job.get('a'))).toBe('old');
        await world.eventually(() => gate.started(1));
        gate.release('new');
      }),
    );

    it(
      'while the refresh runs: stale at once, one fetch; after it the new value',
      inWorld(async (world) => {
        const { job, gate } = await staleApp(world);
        await job.get('a');
        await world.eventually(() => gate.started(1));
        await world.passMs(20);
        expect(await atOnce(world, job.read('a'))).toMatchObject({ value: 'old', status: 'stale' });
        expect(await atOnce(world, job.read('a'))).toMatchObject({ value: 'old', status: 'stale' });
        expect(gate.starts).toBe(1);
        gate.release('new');
        await world.eventually(async () => expect(await job.get('a')).toBe('new'));
        expect(gate.starts).toBe(1);
      }),
    );

    it(
      '100 reads during a refresh: all answered, one fetch',
      inWorld(async (world) => {
        const { job, gate } = await staleApp(world);
        for (let read = 0; read < 100; read++) {
          expect(await job.get('a')).toBe('old');
          await world.passMs(1);
        }
        await world.eventually(() => gate.started(1));
        expect(gate.starts).toBe(1);
        gate.release('new');
      }),
    );

    it(
      'two stale keys: two independent refreshes, one each',
      inWorld(async (world) => {
        const app = await staleApp(world);
        const { job, gate } = app;
        await makeStale(world, job, 'b');
        for (let read = 0; read < 5; read++) await Promise.all([job.get('a'), job.get('b')]);
        await world.eventually(() => gate.started(2));
        await world.settle();
        expect(gate.calls.map(([key]) => key).sort()).toEqual(['a', 'b']);
        gate.open(() => 'new');
      }),
    );

    it(
      'past ttl and grace: a fetch in the caller, never the old value',
      inWorld(async (world) => {
        const { job, gate } = await staleApp(world, { grace: '20ms' });
        gate.open(() => 'new');
        await world.passMs(50);
        expect(await job.read('a')).toMatchObject({ value: 'new', status: 'miss' });
      }),
    );

    for (const grace of [0, -5]) {
      it(
        `grace ${String(grace)}: never stale`,
        inWorld(async (world) => {
          const { job, gate } = await staleApp(world, { grace });
          gate.open(() => 'new');
          expect(await job.read('a')).toMatchObject({ value: 'new', status: 'miss' });
        }),
      );
    }

    it(
      'unlimited grace: stale is served long after ttl, a refresh is requested, and the entry has a bound',
      inWorld(async (world) => {
        const app = await staleApp(world, { grace: Infinity });
        app.gate.open(() => 'new');
        await world.pass(time === 'manual' ? 1_000_000 : 5);
        expect(Number.isFinite((await app.job.peek('a'))?.staleUntil.getTime())).toBe(true);
        expect(await app.job.read('a')).toMatchObject({ value: 'old', status: 'stale', refreshing: true });
        expect(app.of('refresh-requested')).toHaveLength(1);
      }),
    );

    exact(
      'grace as a function of the value applies to that entry',
      inWorld(async (world) => {
        const { job } = await world.job(
          (seconds: number) => seconds,
          { ttl: 1, grace: (seconds: number) => seconds },
          {
            queue: new RecordingRefreshQueue(),
          },
        );
        await job.get(9);
        await world.passMs(10_000);
        expect(await job.read(9)).toMatchObject({ status: 'stale' });
        await world.passMs(1);
        expect(await job.read(9)).toMatchObject({ status: 'miss' });
      }),
    );

    it(
      'ttl and tags that the fetch sets are the ones used',
      inWorld(async (world) => {
        const app = await world.job(
          () => {
            refreshContext().setTtl('5s');
            refreshContext().setTags(['own']);
            return 'v';
          },
          { ttl: 600, grace: '1m', tags: ['of the job'] },
        );
        await app.job.get();
        const { freshUntil, staleUntil, storedAt, tags } = (await app.job.peek())!;
        expect([freshUntil.getTime() - storedAt.getTime(), staleUntil.getTime() - storedAt.getTime(), tags]).toEqual([
          5_000,
          65_000,
          ['own'],
        ]);
        await app.cache.deleteTags('own');
        expect(await app.job.peek()).toBeUndefined();
      }),
    );
  });

  describe('failing, slow and hung refresh', () => {
    it(
      'the refresh throws: the reader got stale, the error is reported once',
      inWorld(async (world) => {
        const app = await staleApp(world, { backoff: { initial: '1h', max: '1h' } });
        app.gate.open(() => Promise.reject(new Error('down')));
        for (let read = 0; read < 5; read++) expect(await app.job.get('a')).toBe('old');
        await world.eventually(() => expect(app.of('refresh-failed')).toMatchObject([{ error: new Error('down') }]));
        await world.settle();
        expect(app.of('refresh-failed')).toHaveLength(1);
      }),
    );

    it(
      'after a failed refresh a later one can run',
      inWorld(async (world) => {
        const app = await staleApp(world, { backoff: { initial: '10ms' } });
        const answers = [() => Promise.reject(new Error('down')), () => 'new'];
        app.gate.open(() => answers.shift()?.() ?? 'newer');
        expect(await app.job.get('a')).toBe('old');
        await world.eventually(() => expect(app.of('refresh-failed')).toHaveLength(1));
        await world.passMs(50);
        expect(await app.job.get('a')).toBe('old');
        await world.eventually(async () => expect((await app.job.peek('a'))?.value).toBe('new'));
        expect(await app.job.peek('a')).toMatchObject({ failures: 0 });
      }),
    );

    it(
      'while it keeps failing: fetches no more often than the backoff, every read is stale',
      inWorld(async (world) => {
        const app = await staleApp(world, { backoff: { initial: '300ms', factor: 1 } });
        app.gate.open(() => Promise.reject(new Error('down')));
        const from = world.now();
        for (let read = 0; read < 20; read++) {
          expect(await app.job.read('a')).toMatchObject({ value: 'old', status: 'stale' });
          await world.passMs(30);
        }
        const elapsed = world.now() - from;
        await world.settle();
        expect(app.gate.starts).toBeGreaterThan(0);
        expect(app.gate.starts).toBeLessThanOrEqual(1 + Math.floor(elapsed / 300));
      }),
    );

    exact(
      'the backoff ends: one new attempt; failures lengthen it up to a maximum; success clears it',
      inWorld(async (world) => {
        const app = await staleApp(world, { backoff: { initial: 1, factor: 2, max: 4 } });
        const at: number[] = [];
        const from = world.now();
        app.gate.open(() => {
          at.push((world.now() - from) / 1_000);
          return at.length < 6 ? Promise.reject(new Error('down')) : 'new';
        });
        for (let step = 0; step < 200; step++) {
          await app.job.get('a');
          await world.passMs(100);
        }
        expect(at).toEqual([0, 1, 3, 7, 11, 15]);
        expect(await app.job.peek('a')).toMatchObject({ value: 'new', failures: 0 });
      }),
    );

    it(
      'a fetch in the caller that fails: stale is returned, and the next reads within the backoff do not fetch',
      inWorld(async (world) => {
        const app = await staleApp(world, { fetchOnStaleThreshold: 0, backoff: { initial: '1h', max: '1h' } });
        app.gate.open(() => Promise.reject(new Error('down')));
        for (let read = 0; read < 5; read++)
          expect(await app.job.read('a')).toMatchObject({ value: 'old', status: 'stale' });
        expect(app.gate.starts).toBe(1);
      }),
    );

    it(
      'past grace the fetch throws: the original error, its cause kept',
      inWorld(async (world) => {
        const error = new Error('down', { cause: 'the network' });
        const { job, gate } = await staleApp(world, { grace: 0 });
        gate.open(() => Promise.reject(error));
        await expect(job.get('a')).rejects.toBe(error);
      }),
    );

    it(
      'nothing cached and the fetch throws: the error reaches the caller, nothing is cached, the next read fetches',
      inWorld(async (world) => {
        const answers = [() => Promise.reject(new Error('down')), async () => 'up'];
        const { job } = await world.job(() => answers.shift()!());
        await expect(job.get()).rejects.toThrow('down');
        expect(await job.peek()).toBeUndefined();
        expect(await job.get()).toBe('up');
      }),
    );

    it(
      'the error says gone: the entry is not served any more',
      inWorld(async (world) => {
        const gone = Object.assign(new Error('not found'), { status: 404 });
        const app = await staleApp(world, {
          onError: (error: { status?: number }) => (error.status === 404 ? 'delete' : 'stale'),
        });
        app.gate.open(() => Promise.reject(gone));
        expect(await app.job.get('a')).toBe('old');
        await world.eventually(async () => expect(await app.job.peek('a')).toBeUndefined());
        await expect(app.job.get('a')).rejects.toBe(gone);
      }),
    );

    it(
      'the predicate throws: the original error wins',
      inWorld(async (world) => {
        const app = await staleApp(world, {
          backoff: { initial: '1h', max: '1h' },
          onError: () => {
            throw new Error('predicate');
          },
        });
        const error = new Error('down');
        app.gate.open(() => Promise.reject(error));
        expect(await app.job.get('a')).toBe('old');
        await world.eventually(() => expect(app.of('refresh-failed')).toMatchObject([{ error }]));
        await expect(app.job.get('cold')).rejects.toBe(error);
      }),
    );

    it(
      'a background refresh that never settles: at its deadline the key is free, and nobody hangs',
      inWorld(async (world) => {
        const app = await staleApp(world, { fetchTimeout: '200ms', backoff: { initial: '10ms' } });
        expect(await atOnce(world, app.job.get('a'))).toBe('old');
        await world.eventually(() => app.gate.started(1));
        expect(await atOnce(world, app.job.get('a'))).toBe('old');
        await world.passMs(250);
        await world.eventually(() =>
          expect(app.of('refresh-failed')).toMatchObject([{ error: { code: 'E_FETCH_TIMEOUT' } }]),
        );
        app.gate.open(() => 'new');
        await world.passMs(20);
        await world.eventually(async () => expect(await app.job.get('a')).toBe('new'));
      }),
    );
  });

  describe('coalescing', () => {
    for (const readers of [100, 1_000]) {
      it(
        `a cold key and ${String(readers)} concurrent reads: one fetch, all equal`,
        inWorld(async (world) => {
          const gate = new Gate<string>();
          const { job } = await world.job(gate.fetch);
          const reads = Promise.all(Array.from({ length: readers }, () => job.get()));
          await gate.started(1);
          gate.release('v');
          expect(new Set(await reads)).toEqual(new Set(['v']));
          expect(gate.starts).toBe(1);
        }),
      );
    }

    it(
      'concurrent cold reads whose fetch throws all get the error, and the key is free',
      inWorld(async (world) => {
        const gate = new Gate<string>();
        const { job } = await world.job(gate.fetch);
        const error = new Error('down');
        const reads = Promise.allSettled([job.get(), job.get(), job.get()]);
        await gate.started(1);
        gate.fail(error);
        for (const outcome of await reads) expect(outcome).toEqual({ status: 'rejected', reason: error });
        gate.open(() => 'up');
        expect(await job.get()).toBe('up');
        expect(gate.starts).toBe(2);
      }),
    );

    it(
      'after an invalidation a read gets a new fetch, not the value of the one that has ended',
      inWorld(async (world) => {
        const fetch = executed();
        const { job } = await world.job(fetch, { grace: 0 });
        expect(await job.get()).toBe('JOB-EXECUTED: #1');
        await job.invalidate();
        await world.eventually(async () => expect(await job.get()).toBe('JOB-EXECUTED: #2'));
      }),
    );

    it(
      'equal arguments in another order, and undefined members, are one key',
      inWorld(async (world) => {
        const fetch = executed();
        const { job } = await world.job(fetch);
        await Promise.all([job.get({ a: 1, b: 2 }), job.get({ b: 2, a: 1 }), job.get({ a: 1, b: 2, c: undefined })]);
        expect(fetch.calls).toHaveLength(1);
        await job.get({ a: 1, b: 3 });
        expect(fetch.calls).toHaveLength(2);
      }),
    );

    it(
      'arguments named like members of Object.prototype are ordinary keys',
      inWorld(async (world) => {
        const { job } = await world.job((name: string) => `value of ${name}`);
        for (const name of ['constructor', '__proto__', 'toString']) {
          expect(await job.get(name)).toBe(`value of ${name}`);
          expect(await job.read(name)).toMatchObject({ value: `value of ${name}`, status: 'hit' });
        }
      }),
    );

    it.runIf(shared)(
      'four applications with 25 reads each of one stale key: one refresh',
      inWorld(async (world) => {
        const gate = new Gate<string>();
        const JobClass = jobClass(gate.fetch);
        const apps = await Promise.all([1, 2, 3, 4].map(() => world.open({ providers: [JobClass] })));
        const jobs = apps.map((app) => app.get(JobClass) as unknown as CaseJob<unknown[], string>);
        await makeStale(world, jobs[0]!);
        const reads = await Promise.all(jobs.flatMap((job) => Array.from({ length: 25 }, () => job.get())));
        expect(new Set(reads)).toEqual(new Set(['old']));
        await gate.started(1);
        await world.settle();
        gate.open(() => 'new');
        await world.eventually(async () =>
          expect(await Promise.all(jobs.map((job) => job.get()))).toEqual(['new', 'new', 'new', 'new']),
        );
        expect(gate.starts).toBe(1);
      }),
    );

    it.runIf(shared)(
      'four applications that read one cold key: one fetch',
      inWorld(async (world) => {
        const gate = new Gate<string>();
        const JobClass = jobClass(gate.fetch);
        const apps = await Promise.all([1, 2, 3, 4].map(() => world.open({ providers: [JobClass] })));
        const reads = Promise.all(
          apps.map((app) => (app.get(JobClass) as unknown as CaseJob<unknown[], string>).get()),
        );
        await gate.started(1);
        await world.settle();
        gate.release('v');
        expect(await reads).toEqual(['v', 'v', 'v', 'v']);
        expect(gate.starts).toBe(1);
      }),
    );
  });

  describe('invalidation and races', () => {
    it(
      'delete: the next read fetches, other keys are untouched',
      inWorld(async (world) => {
        const { job } = await world.job(executed());
        await job.get('a');
        await job.get('b');
        await job.delete('a');
        expect(await job.get('a')).toBe('JOB-EXECUTED:a #3');
        expect(await job.read('b')).toMatchObject({ value: 'JOB-EXECUTED:b #2', status: 'hit' });
      }),
    );

    it(
      'delete during a refresh: its value is not stored, the next read fetches',
      inWorld(async (world) => {
        const app = await staleApp(world);
        await app.job.get('a');
        await world.eventually(() => app.gate.started(1));
        await app.job.delete('a');
        app.gate.release('before');
        await world.eventually(() => expect(app.of('fenced')).toHaveLength(1));
        expect(await app.job.peek('a')).toBeUndefined();
        app.gate.open(() => 'after');
        expect(await app.job.read('a')).toMatchObject({ value: 'after', status: 'miss' });
      }),
    );

    it(
      'delete during a cold fetch: not stored, who started it gets its value, the next read fetches',
      inWorld(async (world) => {
        const gate = new Gate<string>();
        const { job } = await world.job(gate.fetch);
        const reading = job.get();
        await gate.started(1);
        await job.delete();
        gate.release('before');
        expect(await reading).toBe('before');
        expect(await job.peek()).toBeUndefined();
        gate.open(() => 'after');
        expect(await job.get()).toBe('after');
      }),
    );

    it.runIf(shared)(
      'load in application A, delete in application B: not stored, neither shared nor near A',
      inWorld(async (world) => {
        const gate = new Gate<string>();
        const JobClass = jobClass(gate.fetch);
        const [a, b] = [await world.open({ providers: [JobClass] }), await world.open({ providers: [JobClass] })].map(
          (app) => app.get(JobClass) as unknown as CaseJob<unknown[], string>,
        ) as [CaseJob<unknown[], string>, CaseJob<unknown[], string>];
        const reading = a.get();
        await gate.started(1);
        await b.delete();
        gate.release('before');
        expect(await reading).toBe('before');
        gate.open(() => 'after');
        expect([await a.get(), await b.get()]).toEqual(['after', 'after']);
      }),
    );

    it(
      'set during a load: the value that was set stays',
      inWorld(async (world) => {
        const app = await staleApp(world);
        await app.job.get('a');
        await world.eventually(() => app.gate.started(1));
        await app.job.set(['a'], 'by hand');
        app.gate.release('before');
        await world.eventually(() => expect(app.of('fenced')).toHaveLength(1));
        expect(await app.job.read('a')).toMatchObject({ value: 'by hand', status: 'hit' });
      }),
    );

    it(
      'reads and deletes that race: afterwards the key holds nothing old',
      inWorld(async (world) => {
        let version = 0;
        const { job } = await world.job(async () => {
          const started = version;
          await Promise.resolve();
          return started;
        });
        for (let round = 0; round < 50; round++) {
          const reads = [job.get(), job.get()];
          version++;
          await job.delete();
          expect(await job.get()).toBe(version);
          await Promise.all(reads);
          expect(await job.get()).toBe(version);
        }
      }),
    );

    it(
      'tags x,y / y,z / x,z on three keys: deleting x removes exactly two, invalidating x makes exactly two stale',
      inWorld(async (world) => {
        const app = await world.job(
          (tags: string) => tags,
          { tags: (_value: string, tags: string) => tags.split(',') },
          {
            queue: new RecordingRefreshQueue(),
          },
        );
        const keys = ['x,y', 'y,z', 'x,z'];
        for (const key of keys) await app.job.get(key);
        await app.cache.invalidateTags('x');
        expect(await Promise.all(keys.map(async (key) => (await app.job.read(key)).status))).toEqual([
          'stale',
          'hit',
          'stale',
        ]);
        await app.cache.deleteTags('x');
        expect(await Promise.all(keys.map(async (key) => (await app.job.peek(key)) === undefined))).toEqual([
          true,
          false,
          true,
        ]);
      }),
    );

    it(
      'no tag and an unknown tag: no effect, no error',
      inWorld(async (world) => {
        const app = await world.job(executed(), { tags: ['t'] });
        await app.job.get();
        await app.cache.invalidateTags();
        await app.cache.deleteTags();
        await app.cache.invalidateTags('unknown');
        await app.cache.deleteTags('unknown');
        expect(await app.job.read()).toMatchObject({ status: 'hit' });
      }),
    );

    it(
      'a tag invalidated, then a key written with it: valid',
      inWorld(async (world) => {
        const app = await world.job(executed(), { tags: ['t'] });
        await app.job.get();
        await app.cache.deleteTags('t');
        await app.cache.invalidateTags('t');
        await app.job.get();
        expect(await app.job.read()).toMatchObject({ value: 'JOB-EXECUTED: #2', status: 'hit' });
      }),
    );

    it(
      'a tag invalidated while a load of it is under way: its value is not served as fresh',
      inWorld(async (world) => {
        const gate = new Gate<string>();
        const app = await world.job(gate.fetch, { tags: ['t'] });
        const reading = app.job.get();
        await gate.started(1);
        await app.cache.invalidateTags('t');
        gate.release('before');
        expect(await reading).toBe('before');
        gate.open(() => 'after');
        expect(await app.job.read()).toMatchObject({ value: 'after' });
      }),
    );

    it(
      'the same tag in two applications: invalidated in one, the other is untouched',
      inWorld(async (world) => {
        const JobClass = jobClass(executed(), { tags: ['t'] });
        const one = await world.open({ providers: [JobClass] });
        const other = await world.open({
          providers: [JobClass],
          options: { prefix: `other-${String(Math.random())}` },
        });
        for (const app of [one, other]) await app.get(JobClass).get();
        await one.cache.deleteTags('t');
        expect(await one.get(JobClass).peek()).toBeUndefined();
        expect(await other.get(JobClass).peek()).toBeDefined();
      }),
    );
  });

  describe('store failures', () => {
    /** A cache of cache-manager, some of whose methods fail. */
    function failing(...methods: ('get' | 'set' | 'del')[]): CacheManagerCache {
      const kept = new Map<string, unknown>();
      const guard =
        <Result>(method: 'get' | 'set' | 'del', act: () => Result) =>
        async () => {
          if (methods.includes(method)) throw new Error(`${method} failed`);
          return act();
        };
      return {
        get: (key) => guard('get', () => kept.get(key))(),
        set: (key, value) => guard('set', () => kept.set(key, value))(),
        del: (key) => guard('del', () => kept.delete(key))(),
      };
    }

    for (const methods of [['get'], ['set'], ['get', 'set', 'del']] as const) {
      it(
        `${methods.join(', ')} of the store throws: every read has the fetched value, and it is reported`,
        inWorld(async (world) => {
          const fetch = executed();
          const app = await world.job(fetch, {}, { options: { store: { cache: failing(...methods) } } });
          for (let read = 1; read <= 10; read++) expect(await app.job.get('a')).toMatch(/^JOB-EXECUTED:a/);
          expect(app.of('store-failed').length).toBeGreaterThan(0);
          expect(fetch.calls.length).toBeGreaterThan(0);
        }),
      );
    }

    it(
      'what another program wrote under a key is a miss, and never an error',
      inWorld(async (world) => {
        const kept = new Map<string, unknown>();
        const cache: CacheManagerCache = {
          get: async (key) => kept.get(key),
          set: async (key, value) => kept.set(key, value),
          del: async (key) => kept.delete(key),
        };
        const { job } = await world.job(executed(), {}, { options: { store: { cache }, near: false } as never });
        for (const foreign of ['text', 42, null, {}, [], Buffer.from('bytes'), { value: 'v', expires: 1 }]) {
          await job.get('a');
          const keys = [...kept.keys()];
          expect(keys.length).toBeGreaterThan(0);
          for (const key of keys) kept.set(key, foreign);
          expect(await job.get('a')).toMatch(/^JOB-EXECUTED:a/);
          expect(await job.read('a')).toMatchObject({ status: 'hit' });
        }
      }),
    );
  });

  describe('values', () => {
    it(
      'null, false, 0 and empty text: hits, one fetch',
      inWorld(async (world) => {
        let fetches = 0;
        const { job } = await world.job((value: unknown) => {
          fetches++;
          return value;
        });
        for (const value of [null, false, 0, '']) {
          expect([await job.get(value), await job.get(value)]).toEqual([value, value]);
          expect(await job.read(value)).toMatchObject({ status: 'hit' });
        }
        expect(fetches).toBe(4);
      }),
    );

    it(
      'Date, Map, Set, BigInt, NaN, Buffer, typed arrays, Error, cycles and nesting come back equal',
      inWorld(async (world) => {
        const cycle: Record<string, unknown> = { name: 'cycle' };
        cycle.self = cycle;
        const values = [
          new Date(0),
          new Map([['k', new Set([1n])]]),
          Number.NaN,
          -0,
          Infinity,
          Buffer.from('bytes'),
          new Uint16Array([1, 2]),
          [undefined, { nested: [new Date(1)] }],
          cycle,
        ];
        const { job } = await world.job((index: number) => values[index]);
        for (const [index, value] of values.entries()) {
          expect(await job.get(index)).toEqual(value);
          expect(await job.read(index)).toMatchObject({ status: 'hit' });
          expect(await job.get(index)).toEqual(value);
        }
        const failure = await world.open({ providers: [jobClass(() => new RangeError('kept'), { name: 'Failure' })] });
        const [job2] = failure.cache.jobs();
        for (let read = 0; read < 2; read++) {
          const value = await job2!.get();
          expect(value).toBeInstanceOf(RangeError);
          expect((value as Error).message).toBe('kept');
        }
      }),
    );

    it(
      'what cannot be stored goes to its reader, and the error names the job and the place',
      inWorld(async (world) => {
        const app = await world.job(() => ({ list: [{ run: () => 1 }] }));
        expect((await app.job.get()).list[0]?.run()).toBe(1);
        expect(String(app.of('value-refused')[0]?.error)).toMatch(/J.*\$\.list\[0\]\.run/);
        expect(await app.job.peek()).toBeUndefined();
      }),
    );

    it(
      'readers cannot spoil what they share',
      inWorld(async (world) => {
        const { job } = await world.job((kind: string) => {
          if (kind === 'plain') return { list: [1] };
          return kind === 'dated' ? { at: new Date(0) } : { index: new Map([['a', 1]]) };
        });
        for (let read = 0; read < 3; read++) {
          const plain = (await job.get('plain')) as { list: number[] };
          try {
            plain.list.push(2);
          } catch {
            // Frozen: an error is allowed, corruption is not.
          }
          const dated = (await job.get('dated')) as { at: Date };
          expect(dated.at.getTime()).toBe(0);
          try {
            dated.at.setTime(1);
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError);
          }
          const indexed = (await job.get('indexed')) as { index: Map<string, number> };
          expect([...indexed.index]).toEqual([['a', 1]]);
          indexed.index.set('b', 2);
        }
        expect(await job.peek('plain')).toMatchObject({ value: { list: [1] } });
      }),
    );
  });

  describe('two applications in one process', () => {
    it(
      'share nothing: same classes, own entries, own events',
      inWorld(async (world) => {
        @Injectable()
        class Reports extends AsyncCacheJob {
          override async fetch(): Promise<string> {
            return 'v';
          }
          @AsyncCached(60)
          async sales(): Promise<string> {
            return 'sales';
          }
        }
        const one = await world.open({ providers: [Reports] });
        const other = await world.open({ providers: [Reports], options: { prefix: `other-${String(Math.random())}` } });
        await one.get(Reports).get();
        await one.get(Reports).sales();
        expect(other.events).toEqual([]);
        expect(await other.get(Reports).peek()).toBeUndefined();
        expect(other.cache.stats()).toMatchObject({ misses: 0 });
        expect(one.cache.stats()).toMatchObject({ misses: 2, fetches: 2, stored: 2 });
      }),
    );
  });
}
