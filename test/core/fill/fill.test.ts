import { describe, expect, it } from 'vitest';
import { refreshContext, type RefreshContext } from '../../../lib/core/fill/fetch-context.js';
import type { Entry } from '../../../lib/core/entry.js';
import {
  ConfigurationError,
  FetchTimeoutError,
  NoRefreshContextError,
  UnserializableValueError,
} from '../../../lib/core/errors.js';
import { Gate } from '../../../lib/testing/gate.js';
import { counting, MINUTE, outcomeOf, Process, SECOND } from '../../support/core-harness.js';

describe('what a fetch knows of itself', () => {
  it('in the caller', async () => {
    const process = new Process();
    const seen: Partial<RefreshContext>[] = [];
    const job = process.job(() => {
      const { key, background, attempt, previous } = refreshContext();
      seen.push({ key, background, attempt, previous });
      return 'v';
    });
    await job.get('a');
    expect(seen).toEqual([{ key: 'J:"a"', background: false, attempt: 1, previous: undefined }]);
  });

  it('in the background: the value that it replaces, and how often it failed', async () => {
    const process = new Process();
    const seen: Partial<RefreshContext>[] = [];
    const answers = [
      () => Promise.reject(new Error('down')),
      () => Promise.reject(new Error('down')),
      async () => 'new',
    ];
    const job = process.job(
      () => {
        const { background, attempt, previous } = refreshContext();
        seen.push({ background, attempt, previous });
        return answers.shift()!();
      },
      { ttl: 60 },
    );
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    for (const wait of [0, SECOND, 2 * SECOND]) {
      await process.advance(wait);
      await job.get('a');
      await process.settle();
      await process.recorded.run();
    }
    expect(seen).toEqual([1, 2, 3].map((attempt) => ({ background: true, attempt, previous: 'old' })));
    expect(await job.get('a')).toBe('new');
  });

  it('may change the previous value: it has a copy of its own', async () => {
    const process = new Process();
    const job = process.job<Map<string, number>>(
      () => {
        const previous = refreshContext().previous as Map<string, number> | undefined;
        previous?.clear();
        throw new Error('down');
      },
      { ttl: 60 },
    );
    await job.set(['a'], new Map([['n', 1]]));
    await process.advance(MINUTE + 1);
    expect(await job.get('a')).toEqual(new Map([['n', 1]]));
    await process.settle();
    await process.recorded.run();
    expect(await job.get('a')).toEqual(new Map([['n', 1]]));
  });

  it('a remembered failure is no previous value', async () => {
    const process = new Process();
    const seen: unknown[] = [];
    const job = process.job(
      () => {
        seen.push(refreshContext().previous);
        throw new Error('down');
      },
      { onError: () => ({ ttl: 10 }) },
    );
    await expect(job.get('a')).rejects.toThrow('down');
    await expect(job.refresh('a')).rejects.toThrow('down');
    expect(seen).toEqual([undefined, undefined]);
  });

  it('also across awaits, and not outside', async () => {
    const process = new Process();
    const job = process.job(async (id: string) => {
      await new Promise((resolve) => setImmediate(resolve));
      return `${refreshContext().key} for ${id}`;
    });
    expect(await Promise.all([job.get('a'), job.get('b')])).toEqual(['J:"a" for a', 'J:"b" for b']);
    expect(() => refreshContext()).toThrow(NoRefreshContextError);
  });

  it('a fetch inside a fetch has its own', async () => {
    const process = new Process();
    const inner = process.job(() => refreshContext().key, {}, { name: 'Inner' });
    const outer = process.job(async () => [await inner.get(), refreshContext().key].join(' '), {}, { name: 'Outer' });
    expect(await outer.get()).toBe('Inner: Outer:');
  });
});

describe('what a fetch says about its value', () => {
  it('setTtl overrides the ttl of the job for this value', async () => {
    const process = new Process();
    const job = process.job(
      () => {
        refreshContext().setTtl('5s');
        return 'v';
      },
      { ttl: 600, grace: '1m' },
    );
    await job.get('a');
    const peeked = await job.peek('a');
    expect(peeked?.freshUntil.getTime()).toBe(process.clock.now() + 5 * SECOND);
    expect(peeked?.staleUntil.getTime()).toBe(process.clock.now() + 65 * SECOND);
  });

  it('setTags overrides the tags of the job for this value', async () => {
    const process = new Process();
    const job = process.job(
      () => {
        refreshContext().setTags(['own']);
        return 'v';
      },
      { tags: ['of the job'] },
    );
    await job.get('a');
    await process.cache.deleteTags(['of the job']);
    expect(await job.peek('a')).toMatchObject({ tags: ['own'] });
    await process.cache.deleteTags(['own']);
    expect(await job.peek('a')).toBeUndefined();
  });

  it('skip() keeps what is stored, and the value of this fetch goes to its caller only', async () => {
    const process = new Process();
    const job = process.job(
      () => {
        refreshContext().skip();
        return 'partial';
      },
      { ttl: 60 },
    );
    expect(await job.get('a')).toBe('partial');
    expect(process.trace()).toEqual(['fetched', 'miss']);
    expect(await job.peek('a')).toBeUndefined();
    await job.set(['a'], 'whole');
    expect(await job.refresh('a')).toBe('partial');
    expect(await job.get('a')).toBe('whole');
  });

  it('skip() in the background is not tried again before the backoff', async () => {
    const process = Process.refreshing();
    let fetches = 0;
    const job = process.job(
      () => {
        fetches++;
        refreshContext().skip();
        return 'partial';
      },
      { ttl: 60 },
    );
    await job.set(['a'], 'whole');
    await process.advance(MINUTE + 1);
    for (let read = 0; read < 10; read++) {
      expect(await job.get('a')).toBe('whole');
      await process.advance(99);
    }
    expect(fetches).toBe(1);
    await process.advance(10);
    await job.get('a');
    await process.settle();
    expect(fetches).toBe(2);
    expect(process.observer.of('refresh-failed')).toEqual([]);
  });

  it.each([
    ['setTtl', () => refreshContext().setTtl('soon' as never), 'ttl of J'],
    ['setTags', () => refreshContext().setTags('x' as never), 'tags of J'],
  ])('a wrong %s is reported, and the reader has the value', async (_, say, message) => {
    const process = new Process();
    const job = process.job(() => {
      say();
      return 'v';
    });
    expect(await job.get('a')).toBe('v');
    expect(process.observer.of('value-refused')).toHaveLength(1);
    expect(String(process.observer.of('value-refused')[0]?.error)).toContain(message);
    expect(process.observer.of('value-refused')[0]?.error).toBeInstanceOf(ConfigurationError);
    expect(await job.peek('a')).toBeUndefined();
  });

  it('after its deadline it says nothing any more', async () => {
    const process = new Process();
    let late: RefreshContext | undefined;
    const gate = new Gate<string>();
    const job = process.job(
      () => {
        late ??= refreshContext();
        return gate.fetch();
      },
      { fetchTimeout: 1 },
    );
    const first = outcomeOf(job.get('a'));
    await gate.started(1);
    await process.advance(SECOND);
    await first;
    const second = job.get('a');
    await gate.started(2);
    late?.setTtl(1);
    late?.skip();
    gate.open(() => 'v');
    await second;
    expect((await job.peek('a'))?.freshUntil.getTime()).toBe(process.clock.now() + 10 * MINUTE);
  });
});

describe('cacheIf', () => {
  it('false returns the value and does not store it', async () => {
    const process = new Process();
    const job = process.job(counting(), { cacheIf: (value, id) => id !== 'a' || value === 'v2' });
    expect([await job.get('a'), await job.get('a'), await job.get('a')]).toEqual(['v1', 'v2', 'v2']);
    expect(await job.peek('a')).toMatchObject({ value: 'v2' });
  });

  it('false in the background keeps what is stored, and backs off', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60, cacheIf: (value) => value === 'old' });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    await job.get('a');
    await process.settle();
    expect(await process.recorded.run()).toEqual([{ kind: 'skipped' }]);
    expect(await job.read('a')).toMatchObject({ value: 'old', status: 'stale', refreshing: false });
  });

  it.each([
    [
      'cacheIf',
      {
        cacheIf: () => {
          throw new Error('predicate');
        },
      },
    ],
    [
      'ttl',
      {
        ttl: () => {
          throw new Error('predicate');
        },
      },
    ],
    [
      'grace',
      {
        grace: () => {
          throw new Error('predicate');
        },
      },
    ],
    [
      'tags',
      {
        tags: () => {
          throw new Error('predicate');
        },
      },
    ],
  ])(
    '%s that throws: the reader has the value, it is not stored, and the failure is reported once',
    async (_, options) => {
      const process = new Process();
      const job = process.job(counting(), options);
      expect(await job.get('a')).toBe('v1');
      expect(process.observer.of('value-refused')).toMatchObject([{ key: 'J:"a"', error: new Error('predicate') }]);
      expect(process.trace()).toEqual(['fetched', 'value-refused', 'miss']);
      expect(await job.get('a')).toBe('v2');
    },
  );
});

describe('a value that cannot be stored', () => {
  it('goes to the reader, and is reported with the job and the place', async () => {
    const process = new Process();
    const job = process.job<{ run: () => number }>(() => ({ run: () => 1 }));
    expect((await job.get('a')).run()).toBe(1);
    const [refused] = process.observer.of('value-refused');
    expect(refused?.error).toBeInstanceOf(UnserializableValueError);
    expect(String(refused?.error)).toContain('$.run');
    expect(await job.peek('a')).toBeUndefined();
  });

  it('from the background leaves the old one, backs off and is reported once', async () => {
    const process = new Process();
    const job = process.job<unknown>(() => () => 1, { ttl: 60 });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    await job.get('a');
    await process.settle();
    process.trace();
    expect(await process.recorded.run()).toMatchObject([{ kind: 'failed', retryIn: 1_000 }]);
    expect(process.trace()).toEqual(['fetched', 'refresh-failed']);
    expect(await job.read('a')).toMatchObject({ value: 'old', status: 'stale', refreshing: false });
  });

  it('by hand is an error of the call', async () => {
    const process = new Process();
    const job = process.job<unknown>(() => () => 1);
    await expect(job.refresh('a')).rejects.toThrow(UnserializableValueError);
    await expect(job.set(['a'], () => 1)).rejects.toThrow(UnserializableValueError);
    await job.set(['a'], 'old');
    await expect(job.set(['a'], Symbol('s'))).rejects.toThrow(UnserializableValueError);
    expect(await job.get('a')).toBe('old');
  });

  it('instances of classes come back as plain objects, which is reported once', async () => {
    class Point {
      constructor(readonly x: number) {}
    }
    const process = new Process();
    const job = process.job<Point>((x: number) => new Point(x));
    const first = await job.get(1);
    expect(first).toEqual({ x: 1 });
    expect(first).not.toBeInstanceOf(Point);
    await job.get(2);
    expect(process.observer.of('class-lost')).toEqual([
      { type: 'class-lost', job: 'J', key: 'J:1', classNames: ['Point'] },
    ]);
  });

  it('instances that processResult builds again are not reported', async () => {
    class Point {
      constructor(readonly x: number) {}
    }
    const process = new Process();
    const job = process.job<Point>((x: number) => new Point(x), { processResult: ({ x }) => new Point(x) });
    expect(await job.get(1)).toBeInstanceOf(Point);
    expect(await job.get(1)).toBeInstanceOf(Point);
    expect(process.observer.of('class-lost')).toEqual([]);
  });
});

describe('what readers share', () => {
  it('they cannot spoil: plain data is frozen', async () => {
    const process = new Process();
    const own = { list: [1] };
    const job = process.job<{ list: number[] }>(() => own);
    const read = await job.get('a');
    expect(() => read.list.push(2)).toThrow(TypeError);
    own.list.push(3);
    expect(await job.get('a')).toEqual({ list: [1] });
  });

  it('readers cannot change it for others: what cannot be frozen is copied, also for those that share a fetch', async () => {
    const process = new Process();
    const gate = new Gate<{ names: Set<string> }>();
    const job = process.job<{ names: Set<string> }>(gate.fetch);
    const reads = [job.get('a'), job.get('a')];
    await gate.started(1);
    gate.release({ names: new Set(['x']) });
    const [one, other] = await Promise.all(reads);
    one!.names.add('1');
    expect(other).toEqual({ names: new Set(['x']) });
    const hit = await job.get('a');
    expect(hit).toEqual({ names: new Set(['x']) });
    hit.names.add('2');
    (await job.peek('a'))!.value.names.add('3');
    expect(await job.get('a')).toEqual({ names: new Set(['x']) });
  });

  it('the tags of an entry do not change with the list that they came from', async () => {
    const process = new Process();
    const tags = ['x'];
    const job = process.job(counting(), { tags: () => tags });
    await job.get('a');
    tags.push('y');
    expect(await job.peek('a')).toMatchObject({ tags: ['x'] });
    await process.cache.deleteTags(['y']);
    expect(await job.peek('a')).toBeDefined();
    tags.length = 0;
    await process.cache.deleteTags(['x']);
    expect(await job.peek('a')).toBeUndefined();
  });
});

describe('the deadline of a fetch', () => {
  it('aborts the signal and gives the reader an error that says so', async () => {
    const process = new Process();
    let signal: AbortSignal | undefined;
    const job = process.job(
      () => {
        ({ signal } = refreshContext());
        return new Promise<string>(() => {});
      },
      { fetchTimeout: '5s' },
    );
    const reading = job.get('a');
    const outcome = Promise.allSettled([reading]);
    await process.advance(4_999);
    expect(signal?.aborted).toBe(false);
    await process.advance(1);
    expect(signal?.aborted).toBe(true);
    const error = signal?.reason as FetchTimeoutError;
    expect(error).toBeInstanceOf(FetchTimeoutError);
    expect(error).toMatchObject({ job: 'J', key: 'J:"a"', timeoutMs: 5_000 });
    expect(await outcome).toEqual([{ status: 'rejected', reason: error }]);
    expect(process.trace()).toEqual(['fetched', 'miss']);
  });

  it.each(['1s', '2s', '7s', '10s', '11s', '20s', '25s'] as const)(
    'is exact however often the lease is renewed before it: a lease of %s',
    async (refreshTimeout) => {
      const process = new Process();
      const job = process.job(() => new Promise<string>(() => {}), { fetchTimeout: '20s', refreshTimeout });
      const outcome = Promise.allSettled([job.get('a')]);
      await process.advance(19_999);
      expect(process.observer.of('fetched')).toHaveLength(0);
      await process.advance(1);
      expect(process.observer.of('fetched')).toHaveLength(1);
      expect(await outcome).toMatchObject([{ status: 'rejected', reason: { code: 'E_FETCH_TIMEOUT' } }]);
    },
  );

  it('frees the key: the next read fetches, and a late answer of the first changes nothing', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { fetchTimeout: '5s' });
    const first = Promise.allSettled([job.get('a')]);
    await gate.started(1);
    await process.advance(5 * SECOND);
    await first;
    const second = job.get('a');
    await gate.started(2);
    gate.release('of the first');
    await process.settle();
    expect(await job.peek('a')).toBeUndefined();
    gate.release('of the second');
    expect(await second).toBe('of the second');
    expect(await job.get('a')).toBe('of the second');
  });

  it('ends a background fetch that never settles, with everybody served and the key free', async () => {
    const process = Process.refreshing();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { ttl: 60, refreshTimeout: '20s' });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    await job.get('a');
    await gate.started(1);
    await process.advance(19_999);
    expect(process.observer.of('refresh-failed')).toEqual([]);
    await process.advance(1);
    expect(process.observer.of('refresh-failed')).toMatchObject([{ failures: 1, error: { code: 'E_FETCH_TIMEOUT' } }]);
    expect(await job.read('a')).toMatchObject({ value: 'old', status: 'stale', refreshing: false });
    await process.advance(SECOND);
    expect(await job.get('a')).toBe('old');
    await gate.started(2);
    gate.open(() => 'new');
    await process.settle();
    expect(await job.get('a')).toBe('new');
  });

  it('leaves nothing behind when the fetch ends in time', async () => {
    const process = new Process();
    let signal: AbortSignal | undefined;
    const job = process.job(
      () => {
        ({ signal } = refreshContext());
        return 'v';
      },
      { fetchTimeout: '5s' },
    );
    await job.get('a');
    await process.advance(MINUTE);
    expect(signal?.aborted).toBe(false);
  });

  it('a fetch that stops on its signal fails as it likes', async () => {
    const process = new Process();
    const job = process.job(
      () => {
        const { signal } = refreshContext();
        return new Promise<string>((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')));
        });
      },
      { fetchTimeout: '5s' },
    );
    const outcome = Promise.allSettled([job.get('a')]);
    await process.advance(5 * SECOND);
    expect(await outcome).toMatchObject([{ status: 'rejected' }]);
    await process.settle();
  });
});

describe('the lease of a fetch', () => {
  it('is renewed as long as the fetch runs, so that a long fetch is stored', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { refreshTimeout: '10m' });
    const reading = job.get('a');
    await gate.started(1);
    await process.advance(5 * MINUTE);
    gate.release('v');
    await reading;
    expect(await job.peek('a')).toMatchObject({ value: 'v', age: 300 });
  });

  it('without renewal the value of a long fetch would be refused', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { refreshTimeout: '10m' });
    process.store.renew = () => false;
    const reading = job.get('a');
    await gate.started(1);
    await process.advance(5 * MINUTE);
    gate.release('v');
    expect(await reading).toBe('v');
    expect(process.trace()).toEqual(['fetched', 'fenced', 'miss']);
    expect(await job.peek('a')).toBeUndefined();
  });

  it('survives a renewal that did not reach the store', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch);
    const { store } = process;
    const renew = store.renew.bind(store);
    let renewals = 0;
    store.renew = (...args) => (++renewals % 2 === 1 ? Promise.reject(new Error('lost on the way')) : renew(...args));
    const reading = job.get('a');
    await gate.started(1);
    await process.advance(30 * SECOND);
    gate.release('v');
    await reading;
    expect(await job.peek('a')).toMatchObject({ value: 'v' });
    const failed = process.observer.of('store-failed').map(({ operation }) => operation);
    expect(failed).toEqual(Array.from({ length: Math.ceil(renewals / 2) }, () => 'renew'));
    expect(renewals).toBeGreaterThan(5);
  });

  it('is not renewed after the fetch', async () => {
    const process = new Process();
    let renewals = 0;
    const { store } = process;
    const renew = store.renew.bind(store);
    store.renew = (...args) => {
      renewals++;
      return renew(...args);
    };
    await process.job(counting()).get('a');
    await process.advance(MINUTE);
    expect(renewals).toBe(0);
  });
});

describe('onError', () => {
  const down = new Error('down');

  it('is asked with the error and the arguments, on the instance', async () => {
    const process = new Process();
    const asked: unknown[] = [];
    const target = { own: true };
    const job = process.job(
      () => Promise.reject<string>(down),
      {
        onError(this: unknown, ...args: unknown[]) {
          asked.push([this, ...args]);
          return 'stale';
        },
      },
      { target },
    );
    await expect(job.get('a', 1)).rejects.toBe(down);
    expect(asked).toEqual([[target, down, 'a', 1]]);
  });

  it(`'delete' removes the value: the origin says that it is gone`, async () => {
    const process = new Process();
    const job = process.job(() => Promise.reject<string>(down), { ttl: 60, onError: () => 'delete' });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    expect(await job.get('a')).toBe('old');
    await process.settle();
    await process.recorded.run();
    expect(process.observer.of('refresh-failed')).toHaveLength(1);
    expect(await job.peek('a')).toBeUndefined();
    await expect(job.get('a')).rejects.toBe(down);
  });

  it(`'delete' of a value that is too stale gives the reader the error`, async () => {
    const process = new Process();
    const job = process.job(() => Promise.reject<string>(down), {
      ttl: 60,
      fetchOnStaleThreshold: 60,
      onError: () => 'delete',
    });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    await expect(job.get('a')).rejects.toBe(down);
    expect(await job.peek('a')).toBeUndefined();
  });

  it('{ ttl } remembers the failure and gives it to readers for so long, without asking the origin', async () => {
    const process = new Process();
    let fetches = 0;
    const error = Object.assign(new RangeError('no such user'), { status: 404 });
    const job = process.job(
      () => {
        fetches++;
        return Promise.reject<string>(error);
      },
      { onError: () => ({ ttl: '30s' }), refreshAhead: 0.5 },
    );
    await expect(job.get('a')).rejects.toBe(error);
    await process.advance(30 * SECOND);
    await expect(job.get('a')).rejects.toMatchObject({ name: 'RangeError', message: 'no such user', status: 404 });
    await expect(job.read('a')).rejects.toBeInstanceOf(RangeError);
    expect(await job.peek('a')).toMatchObject({
      status: 'fresh',
      value: undefined,
      error: { message: 'no such user' },
    });
    await process.settle();
    expect(process.trace()).toEqual(['fetched', 'miss', 'hit', 'hit']);
    expect(fetches).toBe(1);
    await process.advance(1);
    await expect(job.get('a')).rejects.toBe(error);
    expect(fetches).toBe(2);
  });

  it('{ ttl } counts from the failure, however long the fetch took', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { onError: () => ({ ttl: 5 }) });
    const first = Promise.allSettled([job.get('a')]);
    await gate.started(1);
    await process.advance(20 * SECOND);
    gate.fail(down);
    await first;
    await process.advance(5 * SECOND);
    await expect(job.get('a')).rejects.toThrow('down');
    expect(gate.starts).toBe(1);
  });

  it('{ ttl } in the background takes the place of the stale value', async () => {
    const process = new Process();
    const job = process.job(() => Promise.reject<string>(down), { ttl: 60, onError: () => ({ ttl: 5 }) });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    await job.get('a');
    await process.settle();
    await process.recorded.run();
    await expect(job.get('a')).rejects.toThrow('down');
  });

  it('{ ttl } also remembers an error that holds what cannot be stored', async () => {
    const process = new Process();
    const error = Object.assign(new TypeError('Request failed'), { request: { send: () => {} }, name: 'HttpError' });
    const job = process.job(() => Promise.reject<string>(error), { onError: () => ({ ttl: 5 }) });
    await expect(job.get('a')).rejects.toBe(error);
    await expect(job.get('a')).rejects.toMatchObject({ name: 'HttpError', message: 'Request failed' });
    expect(process.trace()).toEqual(['fetched', 'miss', 'hit']);
  });

  it('{ ttl } remembers what is no error as one', async () => {
    const process = new Process();
    const job = process.job(() => Promise.reject<string>('just text'), { onError: () => ({ ttl: 5 }) });
    await expect(job.get('a')).rejects.toBe('just text');
    await expect(job.get('a')).rejects.toMatchObject({ message: 'just text' });
  });

  it('each reader gets a remembered failure of its own', async () => {
    const process = new Process();
    const job = process.job(() => Promise.reject<string>(down), { onError: () => ({ ttl: 5 }) });
    await expect(job.get('a')).rejects.toBe(down);
    const [one, other] = await Promise.all([
      job.get('a').catch((e: unknown) => e),
      job.get('a').catch((e: unknown) => e),
    ]);
    (one as Error).message = 'spoiled';
    expect((other as Error).message).toBe('down');
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('predicate');
      },
    ],
    ['answers nonsense', () => 'ignore' as never],
    ['answers nothing', () => undefined as never],
  ])('that %s does not hide the original error', async (_, onError) => {
    const process = new Process();
    const job = process.job(() => Promise.reject<string>(down), { ttl: 60, onError });
    await expect(job.get('a')).rejects.toBe(down);
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    await job.get('a');
    await process.settle();
    await process.recorded.run();
    expect(process.observer.of('refresh-failed')).toMatchObject([{ error: down }]);
    expect(await job.get('a')).toBe('old');
  });
});

describe('jitter', () => {
  it.each([
    [0, 100_000],
    [0.5, 95_000],
    [1, 90_000],
  ])('a random number of %d makes a ttl of 100 s one of %d ms', async (random, ttl) => {
    const process = new Process({ random: () => random });
    const job = process.job(counting(), { ttl: 100, jitter: 0.1 });
    await job.get('a');
    const { freshUntil, storedAt } = (await job.peek('a'))!;
    expect(freshUntil.getTime() - storedAt.getTime()).toBe(ttl);
  });

  it('also spreads what is set by hand and what sets its own ttl', async () => {
    const process = new Process({ random: () => 1 });
    const job = process.job(
      () => {
        refreshContext().setTtl(50);
        return 'v';
      },
      { ttl: 100, jitter: 0.5 },
    );
    await job.set(['a'], 'v');
    await job.get('b');
    const lifetimes = [await job.peek('a'), await job.peek('b')].map(
      (peeked) => Number(peeked?.freshUntil) - Number(peeked?.storedAt),
    );
    expect(lifetimes).toEqual([50_000, 25_000]);
  });
});

describe('an entry is dated from the start of its fetch', () => {
  it('since the data may be that old', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { ttl: 60 });
    const reading = job.get('a');
    await gate.started(1);
    await process.advance(8 * SECOND);
    gate.release('v');
    await reading;
    expect(await job.read('a')).toMatchObject({ status: 'hit', age: 8 });
    await process.advance(52 * SECOND + 1);
    expect(await job.read('a')).toMatchObject({ status: 'stale' });
  });

  it('a value whose ttl and grace are over when it comes is given to its reader and not kept', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { ttl: 5, grace: 0 });
    const reading = job.get('a');
    await gate.started(1);
    await process.advance(6 * SECOND);
    gate.release('v');
    expect(await reading).toBe('v');
    expect(await job.peek('a')).toBeUndefined();
  });
});

describe('an entry that no reader can use', () => {
  it('a vacant one is a miss', async () => {
    const process = new Process();
    const vacant: Entry = {
      kind: 'vacant',
      value: undefined,
      copyOnRead: false,
      storedAt: 0,
      freshUntil: Infinity,
      grace: Infinity,
      generation: '',
      tags: [],
    };
    const job = process.job(counting());
    process.store.read = () => vacant;
    expect(await job.get('a')).toBe('v1');
    expect(await job.peek('a')).toBeUndefined();
  });

  it('one that a store knows of and cannot read is a miss, and does not keep the reader for ever', async () => {
    const process = new Process();
    const job = process.job(counting());
    process.store.acquire = () => ({ kind: 'changed' });
    process.store.read = () => undefined;
    expect(await job.read('a')).toMatchObject({ value: 'v1', status: 'miss' });
  });
});
