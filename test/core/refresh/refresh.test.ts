import { describe, expect, it } from 'vitest';
import { UnknownJobError } from '../../../lib/core/errors.js';
import type { RefreshRequest } from '../../../lib/core/ports.js';
import { MemoryStore } from '../../../lib/memory/memory-store.js';
import { Gate } from '../../../lib/testing/gate.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';
import { RecordingRefreshQueue } from '../../../lib/testing/recording-refresh-queue.js';
import { counting, MINUTE, Process, SECOND, START, type TestJob } from '../../support/core-harness.js';

/** A process whose reader has just been given a stale value, so that a refresh is pending. */
async function stale(fetch: () => string | Promise<string>, options = {}): Promise<{ process: Process; job: TestJob }> {
  const process = new Process();
  const job = process.job(fetch, { ttl: 60, ...options });
  await job.set(['a'], 'old');
  await process.advance(MINUTE + 1);
  expect(await job.get('a')).toBe('old');
  await process.settle();
  process.trace();
  return { process, job };
}

describe('a requested refresh', () => {
  it('fetches in the background and stores', async () => {
    const { process, job } = await stale(() => 'new');
    expect(await process.recorded.run()).toEqual([{ kind: 'stored' }]);
    expect(process.observer.events).toMatchObject([
      { type: 'fetched', background: true, key: 'J:"a"' },
      { type: 'stored', background: true, key: 'J:"a"' },
    ]);
    expect(await job.read('a')).toMatchObject({ value: 'new', status: 'hit', age: 0 });
  });

  it('is skipped when the store holds something newer than what the request saw', async () => {
    const { process, job } = await stale(() => 'new');
    await job.set(['a'], 'by hand');
    process.trace();
    expect(await process.recorded.run()).toEqual([{ kind: 'skipped' }]);
    expect(process.observer.events).toEqual([{ type: 'refresh-skipped', job: 'J', key: 'J:"a"', reason: 'changed' }]);
    expect(await job.get('a')).toBe('by hand');
  });

  it('is skipped when the value was deleted, since no reader wants it any more', async () => {
    const { process, job } = await stale(() => 'new');
    await job.delete('a');
    expect(await process.recorded.run()).toEqual([{ kind: 'skipped' }]);
    expect(await job.peek('a')).toBeUndefined();
  });

  it('is skipped during a backoff, whichever process failed', async () => {
    const { process, job } = await stale(() => Promise.reject(new Error('down')));
    const [request] = process.recorded.pending as [RefreshRequest];
    await process.recorded.run();
    process.trace();
    await process.recorded.request([request]);
    expect(await process.recorded.run()).toEqual([{ kind: 'skipped' }]);
    expect(process.observer.events).toEqual([{ type: 'refresh-skipped', job: 'J', key: 'J:"a"', reason: 'backoff' }]);
    expect(await job.get('a')).toBe('old');
  });

  it('is busy while another holder fills the key, and is skipped when it comes again', async () => {
    const gate = new Gate<string>();
    const { process, job } = await stale(gate.fetch);
    const byHand = job.refresh('a');
    await gate.started(1);
    expect(await process.recorded.run()).toEqual([{ kind: 'busy', retryIn: 10_000 }]);
    gate.release('by hand');
    await byHand;
    expect(await process.recorded.run()).toEqual([{ kind: 'skipped' }]);
    expect(gate.starts).toBe(1);
  });

  it('that runs past the grace of its value still fills it', async () => {
    const { process, job } = await stale(() => 'new', { grace: 60 });
    await process.advance(2 * MINUTE);
    expect(await process.recorded.run()).toEqual([{ kind: 'stored' }]);
    expect(await job.read('a')).toMatchObject({ value: 'new', status: 'hit' });
  });

  it('fails with the error of fetch, reported once with the job and the key; the value stays', async () => {
    const error = new Error('down');
    const { process, job } = await stale(() => Promise.reject(error));
    const retryAt = new Date(process.clock.now() + 1_000);
    expect(await process.recorded.run()).toEqual([{ kind: 'failed', error, retryIn: 1_000 }]);
    expect(process.observer.events).toEqual([
      { type: 'fetched', job: 'J', key: 'J:"a"', background: true, duration: 0 },
      { type: 'refresh-failed', job: 'J', key: 'J:"a"', error, failures: 1, retryAt },
    ]);
    expect(await job.peek('a')).toMatchObject({
      value: 'old',
      status: 'stale',
      failures: 1,
      lastError: 'down',
      nextAttempt: retryAt,
    });
  });

  it('runs on the instance that the application has now', async () => {
    const process = new Process();
    const live = { name: 'live' };
    const job = process.job(
      function (this: { name: string }) {
        return this.name;
      },
      { ttl: 60 },
      { target: { name: "the reader's" }, resolve: async () => live },
    );
    expect(await job.get('a')).toBe("the reader's");
    await process.advance(MINUTE + 1);
    await job.get('a');
    await process.settle();
    await process.recorded.run();
    expect(await job.get('a')).toBe('live');
  });

  it('for which there is no instance fails, and is reported', async () => {
    const error = new Error('no provider');
    const process = new Process();
    const job = process.job(counting(), { ttl: 60 }, { resolve: () => Promise.reject(error) });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    await job.get('a');
    await process.settle();
    expect(await process.recorded.run()).toMatchObject([{ kind: 'failed', error }]);
    expect(process.observer.of('refresh-failed')).toMatchObject([{ error, key: 'J:"a"' }]);
    expect(await job.get('a')).toBe('old');
  });

  it('of an unknown job is reported once with its name, and stays in the queue', async () => {
    const process = new Process();
    const request = { job: 'Gone.method', key: 'Gone.method:"a"', generation: '', args: ['a'], options: {} };
    await process.recorded.request([request, { ...request, key: 'Gone.method:"b"', args: ['b'] }]);
    const outcomes = [...(await process.recorded.run()), ...(await process.recorded.run())];
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array.from({ length: 4 }, () => 'unknown-job'));
    expect(process.observer.events).toMatchObject([
      { type: 'unknown-job', job: 'Gone.method', key: 'Gone.method:"a"' },
    ]);
    expect(process.observer.of('unknown-job')[0]?.error).toBeInstanceOf(UnknownJobError);
    expect(String(process.observer.of('unknown-job')[0]?.error)).toContain('Gone.method');
    process.job(counting(), {}, { name: 'Gone.method' });
    expect(await process.recorded.run()).toEqual([{ kind: 'stored' }, { kind: 'stored' }]);
  });

  it.each([
    ['an older', { version: 2 }, {}],
    ['a newer', {}, { version: 2 }],
    ['a like-named', { version: 20 }, { version: 2 }],
  ])('of %s version of the job is told once, and waits for a process that has it', async (_, asking, running) => {
    const clock = new ManualClock(START);
    const shared = { clock, store: new MemoryStore({ clock }), queue: new RecordingRefreshQueue() };
    const asks = new Process(shared);
    const job = asks.job(() => 'what the asking release fetches', { ttl: 60, ...asking });
    await job.set(['a'], 'old');
    await clock.advance(MINUTE + 1);
    await job.get('a');
    await asks.settle();
    const runs = new Process(shared);
    const fetch = counting();
    runs.job(fetch, { ttl: 60, ...running });
    expect([...(await shared.queue.run()), ...(await shared.queue.run())].map(({ kind }) => kind)).toEqual([
      'unknown-job',
      'unknown-job',
    ]);
    expect(fetch.calls).toEqual([]);
    expect(runs.observer.events).toMatchObject([
      {
        type: 'unknown-job',
        job: 'J',
        error: { message: expect.stringContaining('J has another `version` in this process') },
      },
    ]);
    asks.cache.work();
    expect(await shared.queue.run()).toEqual([{ kind: 'stored' }]);
    expect(await job.get('a')).toBe('what the asking release fetches');
  });

  it('waits for a store that is gone, without counting it as an attempt', async () => {
    const { process, job } = await stale(() => 'new');
    const { store } = process;
    const acquire = store.acquire.bind(store);
    store.acquire = () => Promise.reject(new Error('gone'));
    expect(await process.recorded.run()).toEqual([{ kind: 'busy', retryIn: 1_000 }]);
    expect(process.observer.of('store-failed')).toMatchObject([{ operation: 'acquire', error: new Error('gone') }]);
    store.acquire = acquire;
    expect(await process.recorded.run()).toEqual([{ kind: 'stored' }]);
    expect(await job.get('a')).toBe('new');
  });

  it('whose value the store did not take is tried again', async () => {
    const gate = new Gate<string>();
    gate.open(() => `v${String(gate.starts)}`);
    const { process, job } = await stale(gate.fetch);
    const { store } = process;
    const commit = store.commit.bind(store);
    store.commit = () => Promise.reject(new Error('gone'));
    expect(await process.recorded.run()).toEqual([{ kind: 'busy', retryIn: 1_000 }]);
    store.commit = commit;
    await process.advance(SECOND);
    expect(await process.recorded.run()).toEqual([{ kind: 'stored' }]);
    expect(await job.get('a')).toBe('v2');
  });

  it('never rejects, whatever the store does', async () => {
    const { process } = await stale(() => Promise.reject(new Error('down')));
    process.store.release = () => Promise.reject(new Error('gone'));
    expect(await process.recorded.run()).toMatchObject([{ kind: 'failed' }]);
    expect(process.trace()).toEqual(['fetched', 'store-failed', 'refresh-failed']);
  });
});

describe('one refresh for all processes', () => {
  function cluster(fetch: () => string | Promise<string>, size = 4, options = {}) {
    const clock = new ManualClock(START);
    const store = new MemoryStore({ clock });
    const queue = new RecordingRefreshQueue();
    const processes = Array.from({ length: size }, () => {
      const process = new Process({ clock, store, queue });
      return { process, job: process.job(fetch, { ttl: 60, ...options }) };
    });
    return { clock, store, queue, processes };
  }

  it('four processes with 25 readers each of one stale key make one', async () => {
    const gate = new Gate<string>();
    const { clock, queue, processes } = cluster(gate.fetch);
    await processes[0]!.job.set(['a'], 'old');
    await clock.advance(MINUTE + 1);
    const reads = processes.flatMap(({ job }) => Array.from({ length: 25 }, () => job.get('a')));
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['old']));
    await clock.advance(0);
    expect(queue.asked).toHaveLength(4);
    expect(queue.requests).toHaveLength(1);
    const running = queue.run();
    await gate.started(1);
    gate.release('new');
    await running;
    expect(await Promise.all(processes.map(({ job }) => job.get('a')))).toEqual(['new', 'new', 'new', 'new']);
    expect(gate.starts).toBe(1);
  });

  it('at any lag: requests that come through twice are one fetch', async () => {
    const gate = new Gate<string>();
    gate.open(() => 'new');
    const { clock, queue, processes } = cluster(gate.fetch);
    await processes[0]!.job.set(['a'], 'old');
    await clock.advance(MINUTE + 1);
    for (const { job } of processes) await job.get('a');
    await clock.advance(0);
    const [request] = queue.pending as [RefreshRequest];
    await queue.run();
    await clock.advance(10 * SECOND);
    for (let again = 0; again < 3; again++) {
      await queue.request([request]);
      expect(await queue.run()).toEqual([{ kind: 'skipped' }]);
    }
    expect(gate.starts).toBe(1);
  });

  it('control: with a store that does not look at the generation they are several', async () => {
    const gate = new Gate<string>();
    gate.open(() => 'new');
    const { clock, store, queue, processes } = cluster(gate.fetch);
    const acquire = store.acquire.bind(store);
    store.acquire = (key, claim) => acquire(key, { ...claim, generation: undefined });
    await processes[0]!.job.set(['a'], 'old');
    await clock.advance(MINUTE + 1);
    await processes[0]!.job.get('a');
    await clock.advance(0);
    const [request] = queue.pending as [RefreshRequest];
    await queue.run();
    await queue.request([request]);
    await queue.run();
    expect(gate.starts).toBe(2);
  });

  it('readers of a cold key in four processes share one fetch', async () => {
    const gate = new Gate<string>();
    const { clock, processes } = cluster(gate.fetch);
    const reads = processes.flatMap(({ job }) => Array.from({ length: 25 }, () => job.read('a')));
    await gate.started(1);
    await clock.advance(SECOND);
    expect(gate.starts).toBe(1);
    gate.release('v');
    await clock.advance(50);
    const readings = await Promise.all(reads);
    expect(readings.every(({ value, status }) => value === 'v' && status === 'miss')).toBe(true);
    expect(gate.starts).toBe(1);
    for (const { process } of processes) expect(process.observer.of('miss')).toHaveLength(25);
  });

  it('when the fetch of one process fails, a waiting one takes over', async () => {
    const gate = new Gate<string>();
    const { clock, processes } = cluster(gate.fetch, 2);
    const first = Promise.allSettled([processes[0]!.job.get('a')]);
    await gate.started(1);
    const second = processes[1]!.job.get('a');
    await clock.advance(100);
    gate.fail(new Error('down'));
    expect(await first).toMatchObject([{ status: 'rejected' }]);
    await clock.advance(25);
    await gate.started(2);
    gate.release('v');
    expect(await second).toBe('v');
    expect(gate.mostAtOnce).toBe(1);
  });

  it('when the process that fetches dies, a waiting one takes over within the lease', async () => {
    const gate = new Gate<string>();
    const { clock, store, processes } = cluster(gate.fetch, 2);
    // A holder that does not renew its lease, as if it was killed during its fetch.
    store.acquire('J:"a"', { lease: 10_000, respectBackoff: false, takeOver: false });
    const reading = processes[0]!.job.get('a');
    await clock.advance(9_900);
    expect(gate.starts).toBe(0);
    await clock.advance(200);
    expect(gate.starts).toBe(1);
    gate.release('v');
    expect(await reading).toBe('v');
  });

  it('a refresh whose worker died is run by another one within the lease, and readers never waited', async () => {
    const gate = new Gate<string>();
    gate.open(() => 'new');
    const { clock, store, queue, processes } = cluster(gate.fetch, 2);
    await processes[0]!.job.set(['a'], 'old');
    await clock.advance(MINUTE + 1);
    await processes[0]!.job.get('a');
    await clock.advance(0);
    store.acquire('J:"a"', { lease: 10_000, respectBackoff: true, takeOver: false });
    expect(await queue.run()).toEqual([{ kind: 'busy', retryIn: 10_000 }]);
    expect(await processes[1]!.job.get('a')).toBe('old');
    await clock.advance(10 * SECOND);
    expect(await queue.run()).toEqual([{ kind: 'stored' }]);
    expect(await processes[1]!.job.get('a')).toBe('new');
  });

  it('a reader that waits too long for another process gets a timeout, or the stale value if there is one', async () => {
    const { clock, store, processes } = cluster(() => 'never', 1, { fetchTimeout: 5, fetchOnStaleThreshold: 60 });
    const { job, process } = processes[0]!;
    await job.set(['stale'], 'old');
    await clock.advance(MINUTE + 1);
    for (const key of ['J:"cold"', 'J:"stale"']) {
      store.acquire(key, { lease: MINUTE, respectBackoff: false, takeOver: false });
    }
    const cold = Promise.allSettled([job.get('cold')]);
    const stale = job.read('stale');
    await clock.advance(5_050);
    expect(await cold).toMatchObject([{ status: 'rejected', reason: { code: 'E_FETCH_TIMEOUT', key: 'J:"cold"' } }]);
    expect(await stale).toMatchObject({ value: 'old', status: 'stale' });
    expect(process.observer.of('miss')).toHaveLength(1);
  });

  it('a reader that waited gets a failure that another process remembered', async () => {
    const gate = new Gate<string>();
    const { clock, processes } = cluster(gate.fetch, 2, { onError: () => ({ ttl: 30 }) });
    const first = Promise.allSettled([processes[0]!.job.get('a')]);
    await gate.started(1);
    const second = Promise.allSettled([processes[1]!.job.get('a')]);
    await clock.advance(10);
    gate.fail(new Error('down'));
    await first;
    await clock.advance(25);
    expect(await second).toMatchObject([{ status: 'rejected', reason: { message: 'down' } }]);
    expect(gate.starts).toBe(1);
    expect(processes[1]!.process.trace()).toEqual(['miss']);
  });
});

describe('misses of one key in one process', () => {
  it.each([100, 1_000, 10_000])('%d of them are one fetch, and one question to the store', async (readers) => {
    const process = new Process();
    let asked = 0;
    const { store } = process;
    const acquire = store.acquire.bind(store);
    // As a store answers that is elsewhere.
    store.acquire = async (key, claim) => {
      asked++;
      await Promise.resolve();
      return acquire(key, claim);
    };
    const gate = new Gate<string>();
    const job = process.job(gate.fetch);
    const reads = Array.from({ length: readers }, () => job.get('a'));
    await gate.started(1);
    gate.release('v');
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['v']));
    expect(gate.starts).toBe(1);
    expect(asked).toBe(1);
    expect(process.observer.of('miss')).toHaveLength(readers);
  });

  it('a store that answers at once is asked by each reader, and the fetch has begun before the second one comes', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch);
    const first = job.get('a');
    expect(gate.starts).toBe(1);
    const others = Array.from({ length: 999 }, () => job.get('a'));
    gate.release('v');
    expect(new Set(await Promise.all([first, ...others]))).toEqual(new Set(['v']));
    expect(gate.starts).toBe(1);
  });

  it('readers that come while the fetch runs join it, at any moment', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch);
    const reads = [job.get('a')];
    for (let turn = 0; turn < 50; turn++) {
      await Promise.resolve();
      reads.push(job.get('a'));
    }
    await gate.started(1);
    reads.push(job.get('a'));
    await process.settle();
    gate.release('v');
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['v']));
    expect(gate.starts).toBe(1);
  });

  it('share the failure, which frees the key', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const error = new Error('down');
    const job = process.job(gate.fetch);
    const reads = Promise.allSettled([job.get('a'), job.get('a'), job.get('a')]);
    await gate.started(1);
    gate.fail(error);
    for (const outcome of await reads) expect(outcome).toEqual({ status: 'rejected', reason: error });
    const next = job.get('a');
    await gate.started(2);
    gate.release('v');
    expect(await next).toBe('v');
  });

  it('of different keys do not wait for each other', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job((id: string) => (id === 'slow' ? gate.fetch() : `v ${id}`));
    const slow = job.get('slow');
    expect(await job.get('quick')).toBe('v quick');
    gate.release('v slow');
    expect(await slow).toBe('v slow');
  });

  it('join a refresh by hand', async () => {
    const process = new Process();
    const gate = new Gate<string>();
    const job = process.job(gate.fetch);
    const byHand = job.refresh('a');
    await gate.started(1);
    const reading = job.get('a');
    await process.settle();
    gate.release('v');
    expect([await byHand, await reading]).toEqual(['v', 'v']);
    expect(gate.starts).toBe(1);
  });
});
