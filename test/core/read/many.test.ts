import { describe, expect, it } from 'vitest';
import type { Acquisition, Claim } from '../../../lib/core/ports.js';
import { MemoryStore } from '../../../lib/memory/memory-store.js';
import { Gate } from '../../../lib/testing/gate.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';
import { counting, outcomeOf, Process, SECOND, START } from '../../support/core-harness.js';

/** Counts what it is asked to do in one turn of the event loop, in which nothing else can run. */
class CountingStore extends MemoryStore {
  #turn = { read: 0, acquire: 0, commit: 0 };
  commits = 0;

  endTurn(most: { read: number; acquire: number; commit: number }): void {
    for (const kind of ['read', 'acquire', 'commit'] as const) most[kind] = Math.max(most[kind], this.#turn[kind]);
    this.#turn = { read: 0, acquire: 0, commit: 0 };
  }

  override readMany(keys: readonly string[]): ReturnType<MemoryStore['readMany']> {
    this.#turn.read += keys.length;
    return super.readMany(keys);
  }

  override acquire(key: string, claim: Claim): Acquisition {
    this.#turn.acquire++;
    return super.acquire(key, claim);
  }

  override commit(...args: Parameters<MemoryStore['commit']>): ReturnType<MemoryStore['commit']> {
    this.#turn.commit++;
    this.commits++;
    return super.commit(...args);
  }
}

describe('getMany', () => {
  it('gives the values in the order of the list, whatever each of them is', async () => {
    const process = new Process();
    const job = process.job((id: string) => `fetched ${id}`, { ttl: 60 });
    await job.set(['stale'], 'old');
    await process.advance(61 * SECOND);
    await job.set(['fresh'], 'new');
    process.trace();
    expect(await job.getMany([['missing'], ['fresh'], ['stale']])).toEqual(['fetched missing', 'new', 'old']);
    expect(process.trace().sort()).toEqual(['fetched', 'hit', 'miss', 'refresh-requested', 'stale', 'stored']);
  });

  it('of nothing is nothing, and asks no store', async () => {
    const process = new Process();
    process.store.readMany = () => Promise.reject(new Error('asked'));
    expect(await process.job(counting()).getMany([])).toEqual([]);
    expect(process.trace()).toEqual([]);
  });

  describe.each([
    ['by single fetches', {}, {}],
    ['by fetchMany', { batchSize: 1_000 }, { fetchMany: (lists: readonly unknown[][]) => lists.map(([id]) => id) }],
  ])('of 3,500 missing keys %s', (_, options, definition) => {
    it('lets the event loop go on after a thousand keys read, fifty claimed and fifty stored', async () => {
      const clock = new ManualClock(START);
      const store = new CountingStore({ clock });
      const most = { read: 0, acquire: 0, commit: 0 };
      const defer = clock.defer.bind(clock);
      clock.defer = (run) => {
        defer(() => {
          store.endTurn(most);
          run();
        });
      };
      const job = new Process({ clock, store }).job<unknown>((id: number) => id, options, definition);
      const ids = Array.from({ length: 3_500 }, (_id, index) => index);
      const values = job.getMany(ids.map((id) => [id]));
      while (store.commits < ids.length) await clock.advance(0);
      store.endTurn(most);
      expect(await values).toEqual(ids);
      expect(most).toEqual({ read: 1_000, acquire: 50, commit: 50 });
    });
  });

  it('asks the store once', async () => {
    let reads = 0;
    class Counting extends MemoryStore {
      override readMany(keys: readonly string[]): ReturnType<MemoryStore['readMany']> {
        reads++;
        return super.readMany(keys);
      }
      override read(): never {
        throw new Error('a read of its own');
      }
    }
    const clock = new ManualClock(START);
    const job = new Process({ clock, store: new Counting({ clock }) }).job(counting());
    await job.set(['a'], 'A');
    await job.set(['b'], 'B');
    expect(await job.getMany([['a'], ['b'], ['a']])).toEqual(['A', 'B', 'A']);
    expect(reads).toBe(1);
  });

  it('of one key twice is one fetch, and two reads', async () => {
    const process = new Process();
    const fetch = counting();
    const job = process.job(fetch);
    expect(await job.getMany([['a'], ['a']])).toEqual(['v1', 'v1']);
    expect(process.observer.of('miss')).toHaveLength(2);
    expect(fetch.calls).toHaveLength(1);
  });

  it('fails with the error of a key that failed, after all have ended', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const error = new Error('down');
    const job = process.job((id: string) => (id === 'bad' ? Promise.reject(error) : gate.fetch()));
    const values = job.getMany([['bad'], ['slow'], ['bad']]);
    expect(await outcomeOf(values)).toBe('pending');
    gate.release('late');
    await expect(values).rejects.toBe(error);
    expect(await job.get('slow')).toBe('late');
  });

  it('shows each value through processResult', async () => {
    const process = new Process();
    const job = process.job(counting(), { processResult: (value) => `<${value}>` });
    expect(await job.getMany([['a'], ['b']])).toEqual(['<v1>', '<v2>']);
    expect(await job.getMany([['b'], ['a']])).toEqual(['<v2>', '<v1>']);
  });

  it('answers placeholders where the job does not fetch on a miss', async () => {
    const process = new Process();
    let fetches = 0;
    const job = process.job<unknown>(
      counting(),
      { fetchOnMiss: false, empty: () => 'none' },
      {
        fetchMany: () => fetches++,
      },
    );
    expect(await job.getMany([['a'], ['b']])).toEqual(['none', 'none']);
    await process.settle();
    expect(process.recorded.requests).toMatchObject([{ args: ['a'], others: [{ args: ['b'] }] }]);
    expect(fetches).toBe(0);
  });

  it('with the store gone is answered all the same', async () => {
    const process = new Process();
    const job = process.job((id: string) => `fetched ${id}`);
    process.store.readMany = () => Promise.reject(new Error('gone'));
    expect(await job.getMany([['a'], ['b']])).toEqual(['fetched a', 'fetched b']);
    expect(process.observer.of('store-failed')).toHaveLength(1);
    expect(await job.peek('a')).toBeUndefined();
  });
});

describe('getMany of a job with fetchMany', () => {
  type List = readonly (readonly unknown[])[];

  function batching(fetchMany: (argsList: List) => unknown, process = new Process(), options = {}) {
    const single = counting();
    return { process, single, job: process.job<unknown>(single, options, { fetchMany }) };
  }

  it('fetches what is missing at once, and only that', async () => {
    const lists: List[] = [];
    const { job, single, process } = batching((argsList) => {
      lists.push(argsList);
      return argsList.map(([id]) => `many ${String(id)}`);
    });
    await job.set(['b'], 'B');
    process.trace();
    expect(await job.getMany([['a'], ['b'], ['c'], ['a']])).toEqual(['many a', 'B', 'many c', 'many a']);
    expect(lists).toEqual([[['a'], ['c']]]);
    expect(single.calls).toEqual([]);
    expect(process.trace().sort()).toEqual(['fetched', 'hit', 'miss', 'miss', 'miss', 'stored', 'stored']);
    expect(await job.read('c')).toMatchObject({ value: 'many c', status: 'hit' });
  });

  it('is called on the instance that is read', async () => {
    const process = new Process();
    const target = { prefix: 'own' };
    const job = process.job<unknown>(
      counting(),
      {},
      {
        target,
        fetchMany(this: typeof target, argsList: List) {
          return argsList.map(() => this.prefix);
        },
      },
    );
    expect(await job.getMany([['a']])).toEqual(['own']);
  });

  it('shares its fetch with single readers that come meanwhile', async () => {
    const gate = new Gate<string[]>();
    const { job, single, process } = batching(() => gate.fetch());
    const values = job.getMany([['a'], ['b']]);
    await gate.started(1);
    const reading = job.read('b');
    await process.settle();
    gate.release(['A', 'B']);
    expect(await values).toEqual(['A', 'B']);
    expect(await reading).toMatchObject({ value: 'B', status: 'miss' });
    expect(single.calls).toEqual([]);
  });

  it('waits for the single fetch of a key that is under way, and fetches only the others', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const lists: List[] = [];
    const job = process.job<unknown>(
      gate.fetch,
      {},
      {
        fetchMany: (argsList) => {
          lists.push(argsList);
          return argsList.map(() => 'many');
        },
      },
    );
    const reading = job.get('a');
    await gate.started(1);
    const values = job.getMany([['a'], ['b']]);
    await process.settle();
    gate.release('single');
    expect(await values).toEqual(['single', 'many']);
    expect(await reading).toBe('single');
    expect(lists).toEqual([[['b']]]);
  });

  it('and single reads of the same moment fetch each key once', async () => {
    const fetched: unknown[] = [];
    const { job, single } = batching((argsList) => {
      fetched.push(...argsList.map(([id]) => id));
      return argsList.map(([id]) => id);
    });
    await Promise.all([job.getMany([['a'], ['b']]), job.get('a'), job.getMany([['b'], ['c']]), job.get('c')]);
    expect([...fetched, ...single.calls.flat()].sort()).toEqual(['a', 'b', 'c']);
  });

  it('and a single read of the same moment are one fetch, however late the store answers for another key', async () => {
    const held = new Gate<undefined>();
    class Slow extends MemoryStore {
      override acquire(key: string, claim: Claim): Acquisition {
        const acquired = super.acquire(key, claim);
        const answered = key === 'J:"b"' ? held.fetch() : new Promise((resolve) => setImmediate(resolve));
        return answered.then(() => acquired) as never;
      }
    }
    const clock = new ManualClock(START);
    const process = new Process({ clock, store: new Slow({ clock }) });
    const fetched: unknown[] = [];
    const { job, single } = batching((argsList) => {
      fetched.push(...argsList.map(([id]) => id));
      return argsList.map(() => 'many');
    }, process);
    const reading = job.get('a');
    const values = job.getMany([['a'], ['b']]);
    await held.started(1);
    expect(await reading).toBe('v1');
    held.release(undefined);
    expect(await values).toEqual(['v1', 'many']);
    expect(fetched).toEqual(['b']);
    expect(single.calls).toEqual([['a']]);
    expect(process.observer.of('fenced')).toEqual([]);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('down')), 'down'],
    [
      'throws',
      () => {
        throw new Error('down');
      },
      'down',
    ],
    ['gives too few values', () => ['one'], 'fetchMany of J returned 1 values for 2 keys'],
    ['gives no list', () => 'one', 'fetchMany of J returned string for 2 keys'],
    ['gives nothing', () => undefined, 'fetchMany of J returned undefined for 2 keys'],
  ])('when it %s the call fails, nothing is stored, and the keys are free', async (_, fetchMany, message) => {
    const answers = [fetchMany, (argsList: List) => argsList.map(() => 'up')];
    const { job } = batching((argsList) => answers.shift()?.(argsList));
    await expect(job.getMany([['a'], ['b']])).rejects.toThrow(message);
    expect(await job.peek('a')).toBeUndefined();
    expect(await job.getMany([['a'], ['b']])).toEqual(['up', 'up']);
  });

  it('a value that cannot be stored is given and reported, and the others are stored', async () => {
    const { job, process } = batching(() => [() => 'a function', 'B']);
    const [first, second] = await job.getMany([['a'], ['b']]);
    expect((first as () => string)()).toBe('a function');
    expect(second).toBe('B');
    expect(process.observer.of('value-refused')).toMatchObject([{ key: 'J:"a"' }]);
    expect(await job.peek('a')).toBeUndefined();
    expect(await job.peek('b')).toMatchObject({ value: 'B' });
  });

  it('what is deleted during the fetch is not stored, the rest is', async () => {
    const gate = new Gate<string[]>();
    const { job } = batching(() => gate.fetch());
    const values = job.getMany([['a'], ['b']]);
    await gate.started(1);
    await job.delete('a');
    gate.release(['A', 'B']);
    expect(await values).toEqual(['A', 'B']);
    expect(await job.peek('a')).toBeUndefined();
    expect(await job.peek('b')).toMatchObject({ value: 'B' });
  });

  it('keeps the leases of all its keys while it runs', async () => {
    const gate = new Gate<string[]>();
    const { job, process } = batching(() => gate.fetch());
    const values = job.getMany([['a'], ['b']]);
    await gate.started(1);
    await process.advance(30 * SECOND);
    gate.release(['A', 'B']);
    await values;
    expect([await job.peek('a'), await job.peek('b')]).toMatchObject([{ value: 'A' }, { value: 'B' }]);
  });

  it('a value that readers could spoil is copied for each of them', async () => {
    const { job } = batching((argsList) => argsList.map(() => new Set(['x'])));
    const [one, other] = (await job.getMany([['a'], ['a']])) as [Set<string>, Set<string>];
    one.add('1');
    expect(other).toEqual(new Set(['x']));
    expect(await job.get('a')).toEqual(new Set(['x']));
  });

  it('with a store that gives no lease each key is fetched alone', async () => {
    const process = new Process();
    const { job } = batching(() => ['many', 'many'], process);
    process.store.acquire = () => Promise.reject(new Error('gone'));
    expect(await job.getMany([['a'], ['b']])).toEqual(['v1', 'v2']);
  });
});

describe('warm', () => {
  it('fetches what is not fresh, and reports its progress', async () => {
    const process = new Process();
    const fetch = counting();
    const job = process.job(fetch, { ttl: 60 });
    await job.set(['stale'], 'old');
    await process.advance(61 * SECOND);
    await job.set(['fresh'], 'new');
    const told: unknown[] = [];
    const list = [['a'], ['fresh'], ['stale'], ['b']];
    const done = await job.warm(list, { concurrency: 1, onProgress: (progress) => told.push(progress) });
    expect(done).toEqual({ done: 4, failed: 0, total: 4 });
    expect(told).toEqual([1, 2, 3, 4].map((count) => ({ done: count, failed: 0, total: 4 })));
    expect(fetch.calls).toEqual([['a'], ['stale'], ['b']]);
    expect(await job.read('stale')).toMatchObject({ value: 'v2', status: 'hit' });
  });

  it.each([
    [undefined, 4],
    [1, 1],
    [2.9, 2],
    [100, 10],
    [Infinity, 10],
    [0, 1],
    [-3, 1],
    [Number.NaN, 1],
  ])('with a concurrency of %s runs %d at once', async (concurrency, atOnce) => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch);
    const list = Array.from({ length: 10 }, (_, id) => [id]);
    const warming = job.warm(list, concurrency === undefined ? {} : { concurrency });
    await process.settle();
    expect(gate.waiting).toBe(atOnce);
    while (gate.starts < 10 || gate.waiting > 0) {
      gate.release('v');
      await process.settle();
    }
    expect(await warming).toEqual({ done: 10, failed: 0, total: 10 });
    expect(gate.mostAtOnce).toBe(atOnce);
  });

  it('one failure does not stop the others, and is counted', async () => {
    const process = new Process();
    const job = process.job((id: number) => (id === 1 ? Promise.reject(new Error('down')) : `v${String(id)}`));
    expect(await job.warm([[0], [1], [2]])).toEqual({ done: 2, failed: 1, total: 3 });
    expect([await job.peek(0), await job.peek(1), await job.peek(2)]).toMatchObject([
      { value: 'v0' },
      undefined,
      { value: 'v2' },
    ]);
  });

  it('a stale value that could not be refreshed is a failure, and still there', async () => {
    const process = new Process();
    const job = process.job(() => Promise.reject<string>(new Error('down')), { ttl: 60 });
    await job.set(['a'], 'old');
    await process.advance(61 * SECOND);
    expect(await job.warm([['a']])).toEqual({ done: 0, failed: 1, total: 1 });
    expect(await job.get('a')).toBe('old');
    expect(await job.warm([['a']])).toEqual({ done: 0, failed: 1, total: 1 });
  });

  it('of nothing is done at once', async () => {
    expect(await new Process().job(counting()).warm([])).toEqual({ done: 0, failed: 0, total: 0 });
  });

  it.each([1, 4, 100])(
    'of 3,500 keys by %d at once lets the event loop go on after each thousand',
    async (concurrency) => {
      const process = new Process();
      const { clock } = process;
      let fetched = 0;
      const turns: number[] = [];
      const defer = clock.defer.bind(clock);
      clock.defer = (run) => {
        defer(() => {
          turns.push(fetched);
          run();
        });
      };
      const job = process.job(() => ++fetched);
      const warming = job.warm(
        Array.from({ length: 3_500 }, (_, id) => [id]),
        { concurrency },
      );
      expect(await warming).toMatchObject({ done: 3_500, failed: 0 });
      // In the memory store nothing else lets it go on, so these are all the gaps that there are.
      const gaps = [...turns, fetched].map((at, index) => at - (turns[index - 1] ?? 0));
      expect(Math.max(...gaps)).toBeLessThanOrEqual(1_000);
    },
  );
});

describe('an Error in the list that fetchMany returns', () => {
  const gone = new Error('gone');
  const fetchMany = (lists: readonly unknown[][]) =>
    lists.map(([id]) => (id === 'bad' ? gone : `fetched ${String(id)}`));

  it('is the failure of its key alone, and is not cached', async () => {
    const process = new Process();
    const job = process.job((id: string) => id, { ttl: 60 }, { fetchMany });
    await expect(job.getMany([['good'], ['bad']])).rejects.toBe(gone);
    expect(await job.peek('bad')).toBeUndefined();
    expect((await job.peek('good'))?.value).toBe('fetched good');
  });

  it('is decided by onError for its key, whose backoff is its own', async () => {
    const process = Process.refreshing();
    const options = { ttl: 1, onError: () => ({ ttl: 60 }) as const };
    const job = process.job((id: string) => id, options, { fetchMany });
    await job.getMany([['good'], ['bad']]).catch(() => undefined);
    expect((await job.peek('bad'))?.error).toEqual(gone);
    expect((await job.peek('good'))?.value).toBe('fetched good');
  });

  it('in a background refresh leaves the old value of its key, is reported once, and the others are new', async () => {
    const process = Process.refreshing();
    const job = process.job((id: string) => id, { ttl: 1 }, { fetchMany });
    await job.set(['bad'], 'old');
    await job.set(['good'], 'old');
    await process.advance(2 * SECOND);
    expect(await job.getMany([['good'], ['bad']])).toEqual(['old', 'old']);
    await process.settle();
    expect((await job.peek('good'))?.value).toBe('fetched good');
    expect(await job.peek('bad')).toMatchObject({ value: 'old', failures: 1, lastError: 'gone' });
    expect(process.observer.of('refresh-failed')).toMatchObject([{ error: gone, failures: 1 }]);
  });
});
