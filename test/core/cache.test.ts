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

describe('stats', () => {
  it('count what happened, in all and by job', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60 });
    const failing = process.job(() => Promise.reject<string>(new Error('down')), {}, { name: 'Failing' });
    const none = { hits: 0, stale: 0, misses: 0, fetches: 0, stored: 0, fenced: 0, failures: 0, requested: 0 };
    expect(process.cache.stats()).toEqual({ ...none, jobs: { J: none, Failing: none } });

    await job.get('a');
    await job.get('a');
    await process.advance(MINUTE + 1);
    await job.get('a');
    await process.settle();
    await process.recorded.run();
    await expect(failing.get('a')).rejects.toThrow('down');

    const ofJob = { ...none, hits: 1, stale: 1, misses: 1, fetches: 2, stored: 2, requested: 1 };
    const ofFailing = { ...none, misses: 1, fetches: 1, failures: 1 };
    expect(process.cache.stats()).toEqual({
      hits: 1,
      stale: 1,
      misses: 2,
      fetches: 3,
      stored: 2,
      fenced: 0,
      failures: 1,
      requested: 1,
      jobs: { J: ofJob, Failing: ofFailing },
    });
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
