import { describe, expect, it } from 'vitest';
import { Gate } from '../../../lib/testing/gate.js';
import { RecordingRefreshQueue } from '../../../lib/testing/recording-refresh-queue.js';
import { counting, MINUTE, Process, SECOND } from '../../support/core-harness.js';

// Each path of a read, as the ordered list of all that happens on it. Exactly one event says how the read ended.

describe('a read that finds nothing', () => {
  it('fetches in the caller and stores', async () => {
    const process = new Process();
    const job = process.job(counting());
    expect(await job.read('a')).toEqual({ value: 'v1', status: 'miss', age: 0, refreshing: false });
    expect(process.trace()).toEqual(['fetched', 'stored', 'miss']);
  });

  it('say which job and which key', async () => {
    const process = new Process();
    const job = process.job(counting());
    await job.get('a');
    expect(process.observer.events).toEqual([
      { type: 'fetched', job: 'J', key: 'J:"a"', background: false, duration: 0 },
      { type: 'stored', job: 'J', key: 'J:"a"', background: false },
      { type: 'miss', job: 'J', key: 'J:"a"', fetched: true },
    ]);
  });

  it('gives the original error, stores nothing, and lets the next read fetch again', async () => {
    const process = new Process();
    const error = Object.assign(new Error('down'), { code: 'ECONNREFUSED' });
    const answers = [() => Promise.reject(error), async () => 'up'];
    const job = process.job(() => answers.shift()!());
    await expect(job.read('a')).rejects.toBe(error);
    expect(process.observer.of('miss')).toEqual([{ type: 'miss', job: 'J', key: 'J:"a"', fetched: true, error }]);
    expect(process.trace()).toEqual(['fetched', 'miss']);
    expect(await job.peek('a')).toBeUndefined();
    expect(await job.get('a')).toBe('up');
    expect(process.trace()).toEqual(['fetched', 'stored', 'miss']);
  });

  it.each([['text'], [42], [null], [undefined]])('gives %j when that is what fetch threw', async (thrown) => {
    const process = new Process();
    const job = process.job(async () => {
      throw thrown;
    });
    await expect(job.get('a')).rejects.toBe(thrown);
    expect(process.trace()).toEqual(['fetched', 'miss']);
  });

  it('gives the error of a fetch that throws at once', async () => {
    const process = new Process();
    const error = new Error('at once');
    const job = process.job(() => {
      throw error;
    });
    await expect(job.get('a')).rejects.toBe(error);
    expect(await Promise.allSettled([job.get('a'), job.read('a')])).toMatchObject([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
    ]);
  });
});

describe('a read that finds a fresh value', () => {
  it('serves it and does nothing else', async () => {
    const process = new Process();
    const fetch = counting();
    const job = process.job(fetch, { ttl: 600 });
    await job.get('a');
    await process.advance(300 * SECOND);
    process.trace();
    expect(await job.read('a')).toEqual({ value: 'v1', status: 'hit', age: 300, refreshing: false });
    expect(process.observer.of('hit')).toEqual([{ type: 'hit', job: 'J', key: 'J:"a"', age: 300 }]);
    expect(process.trace()).toEqual(['hit']);
    await process.settle();
    expect(process.trace()).toEqual([]);
    expect(fetch.calls).toHaveLength(1);
    expect(process.recorded.asked).toEqual([]);
  });

  it('is still a hit exactly at ttl', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60 });
    await job.get('a');
    await process.advance(60 * SECOND);
    expect(await job.read('a')).toMatchObject({ status: 'hit', age: 60 });
    await process.advance(1);
    expect(await job.read('a')).toMatchObject({ status: 'stale' });
  });

  it.each([[null], [undefined], [false], [0], [''], [[]], [Number.NaN]])(
    '%j is a value like any other',
    async (value) => {
      const process = new Process();
      let fetches = 0;
      const job = process.job<unknown>(() => {
        fetches++;
        return value;
      });
      expect(await job.get('a')).toEqual(value);
      expect(await job.read('a')).toMatchObject({ value, status: 'hit' });
      expect(fetches).toBe(1);
    },
  );

  it('an argument that is not passed makes no difference to the key', async () => {
    const process = new Process();
    const job = process.job(counting());
    expect([await job.get(), await job.get(undefined), await job.get('a'), await job.get('a', undefined)]).toEqual([
      'v1',
      'v1',
      'v2',
      'v2',
    ]);
  });
});

describe('a read that finds a stale value', () => {
  it('serves it, and one request for a refresh goes out after it has answered', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60 });
    await job.get('a');
    await process.advance(61 * SECOND);
    process.trace();

    expect(await job.read('a')).toEqual({ value: 'v1', status: 'stale', age: 61, refreshing: true });
    expect(process.recorded.asked).toEqual([]);
    expect(process.trace()).toEqual(['refresh-requested', 'stale']);

    await process.settle();
    expect(process.recorded.asked).toMatchObject([{ job: 'J', key: 'J:"a"', args: ['a'], options: {} }]);
    expect(process.trace()).toEqual([]);

    await process.recorded.run();
    expect(process.trace()).toEqual(['fetched', 'stored']);
    expect(await job.read('a')).toMatchObject({ value: 'v2', status: 'hit' });
  });

  it('has its age, and says that a refresh is on its way', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60 });
    await job.get('a');
    await process.advance(90 * SECOND);
    await job.get('a');
    expect(process.observer.of('stale')).toEqual([
      { type: 'stale', job: 'J', key: 'J:"a"', age: 90, refreshing: true },
    ]);
  });

  it('never waits for the fetch that is under way, and never starts another', async () => {
    const process = Process.refreshing();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { ttl: 60 });
    await job.set(['a'], 'old');
    await process.advance(61 * SECOND);
    for (let read = 0; read < 100; read++) {
      expect(await job.read('a')).toMatchObject({ value: 'old', status: 'stale', refreshing: true });
      await process.advance(1);
    }
    expect(gate.starts).toBe(1);
    gate.release('new');
    await process.settle();
    expect(await job.read('a')).toMatchObject({ value: 'new', status: 'hit' });
    expect(gate.starts).toBe(1);
  });

  it('never waits for a queue that does not answer', async () => {
    const process = new Process({
      queue: { request: () => new Promise(() => {}), process: () => {}, schedule: async () => {}, close: () => {} },
    });
    const job = process.job(counting(), { ttl: 60 });
    await job.get('a');
    await process.advance(61 * SECOND);
    expect(await job.get('a')).toBe('v1');
    await process.settle();
    expect(await job.get('a')).toBe('v1');
  });

  it('two stale keys are two refreshes, one each', async () => {
    const process = Process.refreshing();
    const fetch = counting();
    const job = process.job(fetch, { ttl: 60 });
    await job.get('a');
    await job.get('b');
    await process.advance(61 * SECOND);
    await Promise.all([job.get('a'), job.get('b'), job.get('a'), job.get('b')]);
    await process.settle();
    expect(fetch.calls).toEqual([['a'], ['b'], ['a'], ['b']]);
  });

  it('reads never write the entry: its age is never lost', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60, grace: 60 });
    await job.get('a');
    for (let age = 61; age <= 120; age++) {
      await process.advance(age === 61 ? 61 * SECOND : SECOND);
      expect(await job.read('a')).toMatchObject({ status: 'stale', age });
    }
    await process.advance(1);
    process.trace();
    expect(await job.read('a')).toMatchObject({ value: 'v2', status: 'miss' });
  });

  it('past ttl and grace it is a miss, and never the old value', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60, grace: '10m' });
    await job.get('a');
    await process.advance(11 * MINUTE);
    expect(await job.read('a')).toMatchObject({ value: 'v1', status: 'stale' });
    await process.advance(1);
    process.trace();
    expect(await job.read('a')).toMatchObject({ value: 'v2', status: 'miss' });
    expect(process.trace()).toEqual(['fetched', 'stored', 'miss']);
  });

  it('past grace a fetch that fails gives its error, not the old value', async () => {
    const process = new Process();
    const error = new Error('down', { cause: 'the network' });
    const job = process.job(() => Promise.reject<string>(error), { ttl: 60, grace: 0 });
    await job.set(['a'], 'old');
    await process.advance(60 * SECOND + 1);
    await expect(job.get('a')).rejects.toBe(error);
  });

  it.each([0, -5, '-1h'] as const)('with grace %j nothing is ever stale', async (grace) => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60, grace });
    await job.get('a');
    await process.advance(60 * SECOND + 1);
    expect(await job.read('a')).toMatchObject({ value: 'v2', status: 'miss' });
  });

  it('with unlimited grace it is served after years, and the stored entry has a bound', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60, grace: Infinity });
    await job.get('a');
    await process.advance(5 * 365 * 86_400_000);
    expect(await job.read('a')).toMatchObject({ value: 'v1', status: 'stale', refreshing: true });
    const peeked = await job.peek('a');
    expect(Number.isFinite(peeked?.staleUntil.getTime())).toBe(true);
  });

  it('ttl and grace may depend on the value', async () => {
    const process = new Process();
    const job = process.job<{ fresh: number; stale: number }>(() => ({ fresh: 5, stale: 9 }), {
      ttl: ({ fresh }) => fresh,
      grace: ({ stale }) => stale,
    });
    await job.get('a');
    await process.advance(5 * SECOND);
    expect(await job.read('a')).toMatchObject({ status: 'hit' });
    await process.advance(9 * SECOND);
    expect(await job.read('a')).toMatchObject({ status: 'stale' });
    await process.advance(1);
    expect(await job.read('a')).toMatchObject({ status: 'miss' });
  });
});

describe('a read during a backoff', () => {
  it('serves the stale value and requests nothing until the backoff is over', async () => {
    const process = new Process();
    const job = process.job(() => Promise.reject<string>(new Error('down')), { ttl: 60 });
    await job.set(['a'], 'old');
    await process.advance(61 * SECOND);
    await job.get('a');
    await process.settle();
    await process.recorded.run();
    process.trace();

    await process.advance(999);
    expect(await job.read('a')).toMatchObject({ value: 'old', status: 'stale', refreshing: false });
    await process.settle();
    expect(process.trace()).toEqual(['stale']);
    await process.advance(1);
    expect(await job.read('a')).toMatchObject({ value: 'old', status: 'stale', refreshing: true });
    await process.settle();
    expect(process.trace()).toEqual(['refresh-requested', 'stale']);
    expect(process.recorded.pending).toHaveLength(1);
  });
});

describe('refreshAhead', () => {
  it('requests one refresh of a value that will soon be stale, and serves it as a hit', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 100, refreshAhead: 0.8 });
    await job.get('a');
    await process.advance(80 * SECOND);
    expect(await job.read('a')).toMatchObject({ status: 'hit', refreshing: false });
    await process.advance(1);
    process.trace();
    expect(await job.read('a')).toMatchObject({ value: 'v1', status: 'hit', refreshing: true });
    expect(await job.read('a')).toMatchObject({ value: 'v1', status: 'hit', refreshing: true });
    expect(process.trace()).toEqual(['refresh-requested', 'hit', 'hit']);
    await process.settle();
    await process.recorded.run();
    expect(await job.read('a')).toMatchObject({ value: 'v2', status: 'hit', refreshing: false, age: 0 });
  });

  it('and the staleness of the same value are one refresh', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 100, refreshAhead: 0.8 });
    await job.get('a');
    await process.advance(90 * SECOND);
    await job.get('a');
    await process.advance(11 * SECOND);
    expect(await job.read('a')).toMatchObject({ status: 'stale' });
    await process.settle();
    expect(process.recorded.requests).toHaveLength(1);
  });
});

describe('fetchOnStaleThreshold', () => {
  const threshold = { ttl: 600, fetchOnStaleThreshold: 900 };

  it('up to the threshold the old value is served, past it the newer one is fetched in the caller', async () => {
    const process = new Process();
    const job = process.job(counting(), threshold);
    await job.get('a');
    await process.advance(14 * MINUTE);
    expect(await job.read('a')).toMatchObject({ value: 'v1', status: 'stale' });
    await process.advance(MINUTE);
    expect(await job.read('a')).toMatchObject({ value: 'v1', status: 'stale', age: 900 });
    await process.advance(1);
    process.trace();
    expect(await job.read('a')).toEqual({ value: 'v2', status: 'miss', age: 0, refreshing: false });
    expect(process.trace()).toEqual(['fetched', 'stored', 'miss']);
  });

  it('if the fetch fails the stale value is served, and the failure is reported once', async () => {
    const process = new Process();
    const error = new Error('down');
    const job = process.job(() => Promise.reject<string>(error), threshold);
    await job.set(['a'], 'old');
    await process.advance(16 * MINUTE);
    process.trace();
    expect(await job.read('a')).toEqual({ value: 'old', status: 'stale', age: 960, refreshing: false });
    expect(process.observer.of('refresh-failed')).toMatchObject([{ error, failures: 1, key: 'J:"a"' }]);
    expect(process.trace()).toEqual(['fetched', 'refresh-failed', 'stale']);
  });

  it('the failure starts a backoff: the next reads do not fetch', async () => {
    const process = new Process();
    let fetches = 0;
    const job = process.job(() => {
      fetches++;
      return Promise.reject<string>(new Error('down'));
    }, threshold);
    await job.set(['a'], 'old');
    await process.advance(16 * MINUTE);
    for (let read = 0; read < 20; read++) {
      expect(await job.get('a')).toBe('old');
      await process.advance(50);
    }
    expect(fetches).toBe(1);
    expect(await job.get('a')).toBe('old');
    expect(fetches).toBe(2);
  });

  it('readers of one moment share the fetch and its failure', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, threshold);
    await job.set(['a'], 'old');
    await process.advance(16 * MINUTE);
    const reads = Array.from({ length: 50 }, () => job.read('a'));
    await gate.started(1);
    process.trace();
    gate.fail(new Error('down'));
    const readings = await Promise.all(reads);
    expect(readings.every(({ status, value }) => status === 'stale' && value === 'old')).toBe(true);
    expect(gate.starts).toBe(1);
    expect(process.observer.of('refresh-failed')).toHaveLength(1);
    expect(process.observer.of('stale')).toHaveLength(50);
  });

  it('a value that went past its grace during the failing fetch is not served', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { ...threshold, grace: 600 });
    await job.set(['a'], 'old');
    await process.advance(20 * MINUTE);
    const reading = job.read('a');
    await gate.started(1);
    await process.advance(1);
    const error = new Error('down');
    gate.fail(error);
    await expect(reading).rejects.toBe(error);
  });

  it('joins a refresh that is already under way', async () => {
    const process = Process.refreshing();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { ...threshold, refreshTimeout: '1h' });
    await job.set(['a'], 'old');
    await process.advance(15 * MINUTE);
    expect(await job.get('a')).toBe('old');
    await gate.started(1);
    await process.advance(MINUTE);
    const reading = job.read('a');
    await process.settle();
    expect(gate.starts).toBe(1);
    gate.release('new');
    expect(await reading).toMatchObject({ value: 'new', status: 'miss' });
  });

  it('may be decided by the arguments', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60, fetchOnStaleThreshold: (_id: string, limit: number) => limit });
    await job.get('a', 90);
    await job.get('a', 120);
    await process.advance(100 * SECOND);
    expect(await job.read('a', 90)).toMatchObject({ status: 'miss' });
    expect(await job.read('a', 120)).toMatchObject({ status: 'stale' });
  });
});

describe('fetchOnMiss: false', () => {
  it('answers empty at once, says that a value is on its way, and requests one refresh', async () => {
    const process = new Process();
    const fetch = counting();
    const job = process.job(fetch, { fetchOnMiss: false });
    expect(await job.read('a')).toEqual({ value: null, status: 'miss', age: 0, refreshing: true });
    expect(process.observer.of('miss')).toEqual([{ type: 'miss', job: 'J', key: 'J:"a"', fetched: false }]);
    expect(process.trace()).toEqual(['refresh-requested', 'miss']);
    expect(await job.read('a')).toMatchObject({ value: null, status: 'miss', refreshing: true });
    expect(process.trace()).toEqual(['miss']);
    await process.settle();
    expect(process.recorded.asked).toHaveLength(1);
    expect(fetch.calls).toHaveLength(0);
    await process.recorded.run();
    expect(process.trace()).toEqual(['fetched', 'stored']);
    expect(await job.read('a')).toMatchObject({ value: 'v1', status: 'hit' });
  });

  it("the placeholder is the job's own", async () => {
    const process = new Process();
    const job = process.job<unknown>(counting(), { fetchOnMiss: false, empty: (name: string) => [`no ${name} yet`] });
    expect(await job.get('a')).toEqual(['no a yet']);
  });

  it('may be decided by the arguments', async () => {
    const process = new Process();
    const job = process.job(counting(), { fetchOnMiss: (_id: string, wait: boolean) => wait });
    expect(await job.get('a', true)).toBe('v1');
    expect(await job.get('a', false)).toBeNull();
  });

  it('a failed first fill backs off, and is asked for again after that', async () => {
    const process = new Process();
    const job = process.job(() => Promise.reject<string>(new Error('down')), { fetchOnMiss: false });
    await job.get('a');
    await process.settle();
    await process.recorded.run();
    process.trace();
    expect(await job.read('a')).toMatchObject({ value: null, refreshing: false });
    await process.advance(SECOND);
    expect(await job.read('a')).toMatchObject({ value: null, refreshing: true });
    await process.settle();
    expect(process.recorded.pending).toHaveLength(1);
    expect(process.trace()).toEqual(['miss', 'refresh-requested', 'miss']);
  });

  it('a value that was deleted is asked for again', async () => {
    const process = Process.refreshing();
    const job = process.job(counting(), { fetchOnMiss: false });
    await job.get('a');
    await process.settle();
    expect(await job.get('a')).toBe('v1');
    await job.delete('a');
    expect(await job.get('a')).toBeNull();
    await process.settle();
    expect(await job.get('a')).toBe('v2');
  });

  it('a value that another process filled and deleted is asked for again, a second later', async () => {
    const queue = new RecordingRefreshQueue();
    const web = new Process({ queue });
    const job = web.job(counting(), { fetchOnMiss: false });
    const worker = new Process({ clock: web.clock, store: web.store, queue });
    const working = worker.job(counting(), { fetchOnMiss: false });
    await job.get('a');
    await web.settle();
    await queue.run();
    await working.delete('a');
    await web.advance(SECOND);
    expect(await job.read('a')).toMatchObject({ value: null, refreshing: true });
    await web.settle();
    expect(queue.pending).toHaveLength(1);
  });

  it('a value whose time is over is asked for again, each time', async () => {
    const process = Process.refreshing();
    const job = process.job(counting(), { fetchOnMiss: false, ttl: 10, grace: 0 });
    for (let round = 1; round <= 5; round++) {
      expect(await job.get('a')).toBeNull();
      await process.settle();
      expect(await job.get('a')).toBe(`v${String(round)}`);
      await process.advance(10 * SECOND + 1);
    }
  });

  it('a value whose time is over backs off like any other', async () => {
    const process = Process.refreshing();
    let fetches = 0;
    const job = process.job(
      () => {
        fetches++;
        return Promise.reject<string>(new Error('down'));
      },
      { fetchOnMiss: false, ttl: 10, grace: 0 },
    );
    await job.set(['a'], 'old');
    await process.advance(10 * SECOND + 1);
    const at: number[] = [];
    for (let ms = 0; ms <= 8_000; ms += 100) {
      await job.get('a');
      await process.advance(100);
      if (fetches > at.length) at.push(ms);
    }
    expect(at).toEqual([0, 1_000, 3_000, 7_000]);
  });

  it('with the store gone it fetches after all', async () => {
    const process = new Process();
    const job = process.job(counting(), { fetchOnMiss: false });
    process.store.read = () => Promise.reject(new Error('gone'));
    expect(await job.get('a')).toBe('v1');
  });
});
