import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../lib/core/errors.js';
import { UncachedJob } from '../../lib/core/uncached-job.js';
import { refreshContext } from '../../lib/core/fill/fetch-context.js';
import { MemoryStore } from '../../lib/memory/memory-store.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { Gate } from '../../lib/testing/gate.js';
import { counting, MINUTE, Process, START } from '../support/core-harness.js';

function withNamedStore(): { process: Process; main: MemoryStore; own: MemoryStore } {
  const clock = new ManualClock(START);
  const main = new MemoryStore({ clock });
  const own = new MemoryStore({ clock });
  return { process: new Process({ clock, store: main, stores: new Map([['own', own]]) }), main, own };
}

describe('the jobs of a cache', () => {
  it('have different names', () => {
    const process = new Process();
    process.job(counting());
    expect(() => process.job(counting())).toThrow(ConfigurationError);
    expect(() => process.job(counting())).toThrow('Two jobs have the name J');
    expect([...process.cache.jobs()].map(({ name }) => name)).toEqual(['J']);
    expect(process.cache.get('J')?.name).toBe('J');
    expect(process.cache.get('K')).toBeUndefined();
  });

  it('with a named store write there and not to the default', async () => {
    const { process, main, own } = withNamedStore();
    const job = process.job(counting(), { store: 'own' });
    await job.get('a');
    expect(main.read('J:"a"')).toBeUndefined();
    expect(own.read('J:"a"')).toMatchObject({ value: 'v1' });
  });

  it('with a store that is not configured are refused, with the names of those that are', () => {
    const { process } = withNamedStore();
    const define = (): unknown => process.job(counting(), { store: 'other' });
    expect(define).toThrow(ConfigurationError);
    expect(define).toThrow(`J wants the store 'other', which is not configured (named stores: own)`);
    expect(() => new Process().job(counting(), { store: 'other' })).toThrow('(named stores: none)');
  });

  it('tags and clear reach every store', async () => {
    const { process } = withNamedStore();
    const inMain = process.job(counting(), { tags: ['t'] }, { name: 'Main' });
    const inOwn = process.job(counting(), { tags: ['t'], store: 'own' }, { name: 'Own' });
    const fill = async (): Promise<void> => void (await Promise.all([inMain.get('a'), inOwn.get('a')]));
    await fill();
    await process.cache.invalidateTags(['t']);
    expect([await inMain.peek('a'), await inOwn.peek('a')]).toMatchObject([{ status: 'stale' }, { status: 'stale' }]);
    await process.cache.deleteTags(['t']);
    expect([await inMain.peek('a'), await inOwn.peek('a')]).toEqual([undefined, undefined]);
    await fill();
    await process.cache.clear();
    expect([await inMain.peek('a'), await inOwn.peek('a')]).toEqual([undefined, undefined]);
  });
});

const NOTHING = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };
const NONE = {
  hits: 0,
  stale: 0,
  misses: 0,
  age: { mean: 0, max: 0 },
  staleAge: NOTHING,
  fetches: 0,
  inFlight: 0,
  fetchTime: NOTHING,
  stored: 0,
  fenced: 0,
  failures: 0,
  requested: 0,
  refreshes: { stored: 0, skipped: 0, repeated: 0, failed: 0 },
  queueWait: NOTHING,
  failing: 0,
};

/** Seconds, to the 1 % that the histograms keep. */
function near(seconds: number): number {
  const tolerance = Math.max(0.001, seconds / 100);
  return expect.toSatisfy((actual: number) => Math.abs(actual - seconds) <= tolerance, `about ${seconds}`) as number;
}

/** So many durations, all the same. */
function all(count: number, seconds: number): object {
  const each = near(seconds);
  return { count, mean: each, p50: each, p90: each, p99: each, max: each };
}

describe('stats', () => {
  it('count what happened, in all and by job', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60 });
    const failing = process.job(() => Promise.reject<string>(new Error('down')), {}, { name: 'Failing' });
    expect(process.cache.stats()).toEqual({ ...NONE, jobs: { J: NONE, Failing: NONE } });

    await job.get('a');
    await job.get('a');
    await process.advance(MINUTE + 1);
    await job.get('a');
    await process.settle();
    await process.recorded.run();
    await expect(failing.get('a')).rejects.toThrow('down');

    const stale = (MINUTE + 1) / 1_000;
    const served = {
      hits: 1,
      stale: 1,
      age: { mean: expect.closeTo(stale / 2, 3) as number, max: stale },
      staleAge: all(1, stale),
      stored: 2,
      requested: 1,
      refreshes: { ...NONE.refreshes, stored: 1 },
      queueWait: all(1, 0),
    };
    const ofJob = { ...NONE, ...served, misses: 1, fetches: 2, fetchTime: all(2, 0) };
    const ofFailing = { ...NONE, misses: 1, fetches: 1, failures: 1, fetchTime: all(1, 0) };
    expect(process.cache.stats()).toEqual({
      ...NONE,
      ...served,
      misses: 2,
      fetches: 3,
      failures: 1,
      fetchTime: all(3, 0),
      jobs: { J: ofJob, Failing: ofFailing },
    });
  });

  it('say how long fetches took and how long requests waited, by percentiles', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { ttl: 60 });
    const times = [100, 200, 300, 4_000];
    for (const [index, ms] of times.entries()) {
      const reading = job.get(index);
      await gate.started(index + 1);
      expect(process.cache.stats()).toMatchObject({ inFlight: 1 });
      await process.advance(ms);
      gate.release('v');
      await reading;
    }
    const { fetchTime, inFlight } = process.cache.stats();
    expect(inFlight).toBe(0);
    expect(fetchTime).toMatchObject({ count: 4, mean: near(1.15), p50: near(0.2), p99: near(4), max: near(4) });

    await process.advance(2 * MINUTE);
    await job.get(0);
    await process.settle();
    await process.advance(7_000);
    const refreshing = process.recorded.run();
    await gate.started(5);
    expect(process.cache.stats().queueWait).toMatchObject({ count: 1, p50: near(7), max: near(7) });
    gate.release('v');
    await refreshing;
  });

  it('say how refreshes ended, which keys are failing, and when the first of them is tried again', async () => {
    const process = new Process();
    let fail = false;
    const fetch = async (): Promise<string> => (fail ? Promise.reject(new Error('down')) : 'v');
    const job = process.job(fetch, { ttl: 60, backoff: { initial: 5, factor: 2, max: 60 } });
    await Promise.all([job.get('a'), job.get('b')]);
    await process.advance(MINUTE + 1);
    fail = true;
    const refreshAll = async (): Promise<void> => {
      await Promise.all([job.get('a'), job.get('b')]);
      await process.settle();
      await process.recorded.run();
    };
    await refreshAll();
    const first = { failing: 2, nextAttempt: new Date(process.clock.now() + 5_000) };
    expect(process.cache.stats()).toMatchObject({ ...first, refreshes: { stored: 0, failed: 2 }, jobs: { J: first } });

    fail = false;
    await process.advance(5_001);
    await refreshAll();
    expect(process.cache.stats()).toMatchObject({ failing: 0, refreshes: { stored: 2, failed: 2 } });
    expect(process.cache.stats().nextAttempt).toBeUndefined();

    await process.advance(MINUTE + 1);
    await refreshAll();
    const [request] = process.recorded.requests;
    await process.recorded.request([request!]);
    await process.recorded.run();
    expect(process.cache.stats().refreshes).toEqual({ stored: 4, skipped: 1, repeated: 0, failed: 2 });
  });

  it('count what was fenced', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch);
    const reading = job.get('a');
    await gate.started(1);
    await job.delete('a');
    gate.release('v');
    await reading;
    expect(process.cache.stats()).toMatchObject({ fenced: 1, stored: 0 });
  });

  it('are a copy', async () => {
    const process = new Process();
    const job = process.job(counting());
    const before = process.cache.stats();
    await job.get('a');
    expect(before).toMatchObject({ misses: 0, jobs: { J: { misses: 0 } } });
  });

  it('are counted also without a listener to events', async () => {
    const process = new Process();
    process.observer.active = false;
    const job = process.job(counting());
    await job.get('a');
    await job.get('a');
    expect(process.observer.events).toEqual([]);
    expect(process.cache.stats()).toMatchObject({ hits: 1, misses: 1 });
  });

  it('and failures are reported also without a listener', async () => {
    const process = new Process();
    process.observer.active = false;
    process.store.read = () => Promise.reject(new Error('gone'));
    await process.job(counting()).get('a');
    expect(process.trace()).toEqual(['store-failed']);
  });
});

describe('a job that is not cached', () => {
  const job = new UncachedJob('J', async (target, args) => [
    target,
    args,
    refreshContext().key,
    refreshContext().background,
  ]);

  it('fetches at every read, in a context', async () => {
    const target = {};
    expect(await job.get(target, ['a'])).toEqual([target, ['a'], '', false]);
    expect(await job.read(target, ['a'])).toMatchObject({ status: 'miss', age: 0, refreshing: false });
    expect(await job.refresh(target, ['a'])).toEqual([target, ['a'], '', false]);
    expect(await job.getMany(target, [['a'], ['b']])).toHaveLength(2);
  });

  it('has nothing to peek at, set, invalidate, delete or warm', async () => {
    expect(await job.peek()).toBeUndefined();
    expect(await job.set()).toBeUndefined();
    expect(await job.invalidate()).toBeUndefined();
    expect(await job.delete()).toBe(false);
    expect(await job.warm({}, [['a']])).toMatchObject({ done: 0, failed: 0, total: 1 });
  });
});
