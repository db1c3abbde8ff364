import { describe, expect, it } from 'vitest';
import { GuardedStore } from '../../../lib/core/store/guarded-store.js';
import type { Store } from '../../../lib/core/ports.js';
import { MemoryStore } from '../../../lib/memory/memory-store.js';
import { Gate } from '../../../lib/testing/gate.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';
import { counting, MINUTE, Process, SECOND, START } from '../../support/core-harness.js';

const METHODS = ['read', 'readMany', 'acquire', 'renew', 'commit', 'release', 'set', 'invalidate', 'delete'] as const;

const BREAKS = {
  throws: () => {
    throw new Error('gone');
  },
  rejects: () => Promise.reject(new Error('gone')),
  hangs: () => new Promise(() => {}),
};

/** A memory store whose methods can be broken, behind the guard that every remote store has. */
function breakable(): {
  clock: ManualClock;
  store: Store;
  break: (methods: readonly string[], how: () => unknown) => void;
} {
  const clock = new ManualClock(START);
  const memory = new MemoryStore({ clock });
  const broken = new Map<string, () => unknown>();
  const store = new Proxy(memory, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== 'function') return member;
      return broken.get(String(name)) ?? ((...args: unknown[]) => Reflect.apply(member, target, args) as unknown);
    },
  });
  return {
    clock,
    store: new GuardedStore(store, 500, clock),
    break: (methods, how) => {
      broken.clear();
      for (const method of methods) broken.set(method, how);
    },
  };
}

/** Lets time pass until the promise settles, at most a minute. */
async function within<T>(clock: ManualClock, promise: Promise<T>): Promise<{ value: T; ms: number }> {
  const from = clock.now();
  let settled = false;
  const done = promise.finally(() => (settled = true));
  done.catch(() => undefined);
  await clock.advance(0);
  while (!settled && clock.now() - from < MINUTE) await clock.advance(10);
  if (!settled) throw new Error('still pending after a minute');
  return { value: await done, ms: clock.now() - from };
}

describe.each(Object.entries(BREAKS))('a store that %s', (_, how) => {
  it.each<string>([...METHODS, METHODS.join()])('at %s: every read is answered', async (methods) => {
    const { clock, store, break: breakMethods } = breakable();
    const process = new Process({ clock, store });
    const job = process.job(counting(), { ttl: 60, fetchOnStaleThreshold: 900 });
    await job.set(['fresh'], 'fresh');
    await job.set(['stale'], 'stale', { ttl: 1 });
    await job.set(['too stale'], 'too stale', { ttl: 1 });
    await clock.advance(30 * SECOND);
    breakMethods(methods.split(','), how);
    for (let round = 0; round < 5; round++) {
      for (const key of ['fresh', 'stale', 'cold']) {
        const { value, ms } = await within(clock, job.get(key));
        expect([key, /^v\d+$/.test(value) ? 'fetched' : value]).toEqual([key, expect.stringMatching(`fetched|${key}`)]);
        // At most the read, the claim and the end of the fill wait for the store's deadline.
        expect(ms).toBeLessThanOrEqual(1_600);
      }
    }
    const { value } = await within(clock, job.getMany([['fresh'], ['cold'], ['new']]));
    expect(value).toHaveLength(3);
    expect((await within(clock, job.warm([['fresh'], ['other']]))).value.total).toBe(2);
    await within(clock, job.peek('fresh'));
    await within(clock, job.refresh('fresh'));
    await within(clock, process.recorded.run());
  });
});

describe('a store that fails', () => {
  it('at reading: readers of this process share one fetch, and the failure is reported', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch);
    process.store.read = () => Promise.reject(new Error('gone'));
    const reads = Array.from({ length: 100 }, () => job.read('a'));
    await gate.started(1);
    gate.release('v');
    for (const reading of await Promise.all(reads))
      expect(reading).toEqual({ value: 'v', status: 'miss', age: 0, refreshing: false });
    expect(gate.starts).toBe(1);
    expect(process.observer.of('store-failed')[0]).toMatchObject({
      operation: 'read',
      key: 'J:"a"',
      error: new Error('gone'),
    });
    expect(process.observer.of('miss')).toHaveLength(100);
  });

  it('at writing: the value is returned all the same, and the failure is reported once', async () => {
    const process = new Process();
    const job = process.job(counting());
    process.store.commit = () => Promise.reject(new Error('gone'));
    expect(await job.get('a')).toBe('v1');
    expect(process.trace()).toEqual(['fetched', 'store-failed', 'miss']);
  });

  it('at claiming: what is too stale is fetched, and served if that fails', async () => {
    const process = new Process();
    const answers = [async () => 'new', () => Promise.reject(new Error('down'))];
    const job = process.job(() => answers.shift()!(), { ttl: 60, fetchOnStaleThreshold: 60 });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    process.store.acquire = () => Promise.reject(new Error('gone'));
    expect(await job.get('a')).toBe('new');
    expect(await job.read('a')).toMatchObject({ value: 'old', status: 'stale' });
  });

  it('while the fetch fails too: the reader has the error of the fetch', async () => {
    const process = new Process();
    const error = new Error('down');
    const job = process.job(() => Promise.reject<string>(error));
    const gone = (): Promise<never> => Promise.reject(new Error('gone'));
    for (const method of ['read', 'acquire', 'release'] as const) process.store[method] = gone;
    await expect(job.get('a')).rejects.toBe(error);
  });

  it('at the second look of a waiting reader: it fetches', async () => {
    const process = new Process();
    const job = process.job(counting());
    const { store } = process;
    const acquire = store.acquire.bind(store);
    await job.set(['a'], 'newer');
    let claims = 0;
    store.read = () => (claims > 0 ? Promise.reject(new Error('gone')) : undefined);
    store.acquire = (key, claim) => {
      claims++;
      return acquire(key, claim);
    };
    expect(await job.get('a')).toBe('v1');
  });

  it('between a claim and what it says has changed: the reader has what another one stored', async () => {
    const process = new Process();
    const job = process.job(counting());
    const { store } = process;
    const read = store.read.bind(store);
    let reads = 0;
    store.read = (key) => (reads++ === 0 ? undefined : read(key));
    await job.set(['a'], 'newer');
    process.trace();
    expect(await job.read('a')).toMatchObject({ value: 'newer', status: 'miss' });
    expect(process.observer.of('miss')).toEqual([{ type: 'miss', job: 'J', key: 'J:"a"', fetched: false }]);
  });
});
