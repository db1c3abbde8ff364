import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../lib/core/errors.js';
import type { Store } from '../../../lib/core/ports.js';
import { Gate } from '../../../lib/testing/gate.js';
import { counting, MINUTE, Process, SECOND } from '../../support/core-harness.js';

describe('set', () => {
  it('stores a value that reads serve, also over one that is there', async () => {
    const process = new Process();
    const fetch = counting();
    const job = process.job(fetch);
    await job.set(['a'], 'one');
    expect(await job.get('a')).toBe('one');
    await job.set(['a'], 'two');
    expect(await job.get('a')).toBe('two');
    expect(fetch.calls).toEqual([]);
    expect(process.trace()).toEqual(['set', 'hit', 'set', 'hit']);
  });

  it('follows the options of the job, or its own', async () => {
    const process = new Process();
    const job = process.job(counting(), {
      ttl: (value, id) => (value === 'v' && id === 'a' ? 5 : 6),
      grace: 7,
      tags: ['of the job'],
    });
    const now = process.clock.now();
    await job.set(['a'], 'v');
    expect(await job.peek('a')).toMatchObject({
      freshUntil: new Date(now + 5_000),
      staleUntil: new Date(now + 12_000),
      tags: ['of the job'],
    });
    await job.set(['a'], 'v', { ttl: '1m', grace: '2m', tags: ['own'] });
    expect(await job.peek('a')).toMatchObject({
      freshUntil: new Date(now + 60_000),
      staleUntil: new Date(now + 180_000),
      tags: ['own'],
    });
    await job.set(['a'], 'v', { grace: -1 });
    expect(await job.peek('a')).toMatchObject({ staleUntil: new Date(now + 5_000) });
  });

  it.each([
    [{ ttl: 'soon' as never }],
    [{ ttl: -1 }],
    [{ grace: 'long' as never }],
    [{ tags: 'x' as never }],
    [{ tags: [''] }],
  ])('refuses %j and keeps what is there', async (options) => {
    const process = new Process();
    const job = process.job(counting());
    await job.set(['a'], 'old');
    await expect(job.set(['a'], 'new', options)).rejects.toThrow(ConfigurationError);
    expect(await job.get('a')).toBe('old');
  });

  it('rejects when the store did not take it', async () => {
    const process = new Process();
    const error = new Error('gone');
    process.store.set = () => Promise.reject(error);
    await expect(process.job(counting()).set(['a'], 'v')).rejects.toBe(error);
    expect(process.trace()).toEqual([]);
  });
});

describe('peek', () => {
  it('shows the value with its age and bounds, and triggers nothing', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60, grace: 60 });
    const storedAt = new Date(process.clock.now());
    await job.set(['a'], 'v');
    process.trace();
    await process.advance(61 * SECOND);
    expect(await job.peek('a')).toEqual({
      value: 'v',
      age: 61,
      storedAt,
      freshUntil: new Date(storedAt.getTime() + 60_000),
      staleUntil: new Date(storedAt.getTime() + 120_000),
      status: 'stale',
      tags: [],
      failures: 0,
    });
    await process.advance(59 * SECOND);
    expect(await job.peek('a')).toMatchObject({ status: 'stale' });
    await process.advance(1);
    expect(await job.peek('a')).toBeUndefined();
    expect(process.trace()).toEqual([]);
    expect(process.recorded.asked).toEqual([]);
  });

  it('of nothing is undefined, and of undefined is an entry', async () => {
    const process = new Process();
    const job = process.job<undefined>(() => undefined);
    expect(await job.peek('a')).toBeUndefined();
    await job.get('a');
    expect(await job.peek('a')).toMatchObject({ value: undefined, status: 'fresh' });
  });

  it('with the store gone is undefined, which is reported', async () => {
    const process = new Process();
    const job = process.job(counting());
    process.store.read = () => Promise.reject(new Error('gone'));
    expect(await job.peek('a')).toBeUndefined();
    expect(process.trace()).toEqual(['store-failed']);
  });
});

describe('refresh', () => {
  it('fetches now, stores, and gives the new value', async () => {
    const process = new Process();
    const job = process.job(counting());
    await job.get('a');
    process.trace();
    expect(await job.refresh('a')).toBe('v2');
    expect(process.trace()).toEqual(['fetched', 'stored']);
    expect(await job.get('a')).toBe('v2');
  });

  it('does not wait for a fetch under way, whose value is refused: it may have begun too early', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch);
    const reading = job.get('a');
    await gate.started(1);
    const refreshed = job.refresh('a');
    await gate.started(2);
    gate.release('early');
    expect(await reading).toBe('early');
    expect(await job.peek('a')).toBeUndefined();
    gate.release('late');
    expect(await refreshed).toBe('late');
    expect(await job.get('a')).toBe('late');
  });

  it('that fails rejects with the error of fetch, and the old value stays', async () => {
    const process = new Process();
    const error = new Error('down');
    const job = process.job(() => Promise.reject<string>(error));
    await job.set(['a'], 'old');
    await expect(job.refresh('a')).rejects.toBe(error);
    expect(await job.get('a')).toBe('old');
  });

  it('with the store gone gives the value all the same', async () => {
    const process = new Process();
    const job = process.job(counting());
    process.store.acquire = () => Promise.reject(new Error('gone'));
    expect(await job.refresh('a')).toBe('v1');
    expect(process.trace()).toEqual(['store-failed', 'fetched']);
  });

  it('of a value that readers could spoil gives a copy', async () => {
    const process = new Process();
    const job = process.job<Set<string>>(() => new Set(['x']));
    (await job.refresh('a')).add('1');
    expect(await job.get('a')).toEqual(new Set(['x']));
  });

  it('invalidated during its fetch is followed by one refresh in the background', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch);
    await job.set(['a'], 'old');
    const refreshed = job.refresh('a');
    await gate.started(1);
    await job.invalidate('a');
    await job.invalidate('a');
    gate.release('early');
    expect(await refreshed).toBe('early');
    await process.settle();
    expect(process.recorded.requests).toHaveLength(1);
    expect(await job.read('a')).toMatchObject({ value: 'early', status: 'stale' });
    gate.open(() => 'late');
    await process.recorded.run();
    expect(await job.get('a')).toBe('late');
    expect(gate.starts).toBe(2);
  });
});

describe('invalidate', () => {
  it('of nothing requests nothing', async () => {
    const process = new Process();
    const job = process.job(counting());
    await job.invalidate('a');
    await process.settle();
    expect(process.recorded.asked).toEqual([]);
    expect(process.trace()).toEqual(['invalidated']);
  });

  it('makes a value stale at once, and three times are one refresh', async () => {
    const process = new Process();
    const fetch = counting();
    const job = process.job(fetch);
    await job.get('a');
    for (let time = 0; time < 3; time++) {
      await job.invalidate('a');
      expect(await job.read('a')).toMatchObject({ value: 'v1', status: 'stale', refreshing: true });
    }
    await process.settle();
    await job.invalidate('a');
    await process.settle();
    expect(process.recorded.requests).toHaveLength(1);
    await process.recorded.run();
    expect(await job.read('a')).toMatchObject({ value: 'v2', status: 'hit' });
    expect(fetch.calls).toHaveLength(2);
  });

  it('again, after its refresh has ended, is another refresh', async () => {
    const process = Process.refreshing();
    const job = process.job(counting());
    await job.get('a');
    for (let round = 2; round <= 4; round++) {
      await job.invalidate('a');
      await process.settle();
      expect(await job.read('a')).toMatchObject({ value: `v${String(round)}`, status: 'hit' });
    }
  });

  it('during a backoff requests nothing: the first reader after it does', async () => {
    const process = Process.refreshing();
    let fetches = 0;
    const job = process.job(() => {
      fetches++;
      return Promise.reject<string>(new Error('down'));
    });
    await job.set(['a'], 'old');
    await job.invalidate('a');
    await process.settle();
    await job.invalidate('a');
    await process.settle();
    expect(fetches).toBe(1);
    await process.advance(SECOND);
    await job.get('a');
    await process.settle();
    expect(fetches).toBe(2);
  });

  it('of a value without grace gives no reader the old one', async () => {
    const process = new Process();
    const job = process.job(counting(), { grace: 0 });
    await job.get('a');
    await job.invalidate('a');
    expect(await job.read('a')).toMatchObject({ value: 'v2', status: 'miss' });
  });

  it('of a remembered failure forgets it', async () => {
    const process = new Process();
    const answers = [() => Promise.reject(new Error('down')), async () => 'up'];
    const job = process.job(() => answers.shift()!(), { onError: () => ({ ttl: 600 }) });
    await expect(job.get('a')).rejects.toThrow('down');
    await job.invalidate('a');
    expect(await job.get('a')).toBe('up');
  });

  it('leaves other keys alone', async () => {
    const process = new Process();
    const job = process.job(counting());
    await job.get('a');
    await job.get('b');
    await job.invalidate('a');
    expect(await job.read('b')).toMatchObject({ status: 'hit' });
  });
});

describe('delete', () => {
  it('removes the value, and says whether there was one', async () => {
    const process = new Process();
    const job = process.job(counting());
    expect(await job.delete('a')).toBe(false);
    await job.get('a');
    await job.get('b');
    expect(await job.delete('a')).toBe(true);
    expect(await job.delete('a')).toBe(false);
    expect(await job.peek('a')).toBeUndefined();
    expect(await job.read('a')).toMatchObject({ value: 'v3', status: 'miss' });
    expect(await job.read('b')).toMatchObject({ value: 'v2', status: 'hit' });
  });

  it('removes the history of failures too', async () => {
    const process = Process.refreshing();
    const job = process.job(() => Promise.reject<string>(new Error('down')), { ttl: 60 });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    await job.get('a');
    await process.settle();
    await job.delete('a');
    await job.set(['a'], 'new');
    expect(await job.peek('a')).toMatchObject({ failures: 0 });
  });
});

describe('what the store did not do', () => {
  it.each([
    ['invalidate', (job: ReturnType<Process['job']>) => job.invalidate('a')],
    ['delete', (job: ReturnType<Process['job']>) => job.delete('a')],
  ] as const)('%s rejects with: old data is still there', async (operation, call) => {
    const process = new Process();
    const error = new Error('gone');
    (process.store as unknown as Record<string, unknown>)[operation] = () => Promise.reject(error);
    await expect(call(process.job(counting()))).rejects.toBe(error);
    expect(process.trace()).toEqual([]);
  });

  it.each([
    ['invalidateTags', (process: Process) => process.cache.invalidateTags(['x'])],
    ['deleteTags', (process: Process) => process.cache.deleteTags(['x'])],
    ['clear', (process: Process) => process.cache.clear()],
  ] as const)('%s rejects with', async (operation, call) => {
    const process = new Process();
    (process.store as unknown as Record<string, Store['clear']>)[operation] = () => Promise.reject(new Error('gone'));
    await expect(call(process)).rejects.toThrow('gone');
  });
});
