import { describe, expect, it } from 'vitest';
import { QueueFullError } from '../../../lib/core/errors.js';
import type { RefreshRequest } from '../../../lib/core/ports.js';
import { InProcessRefreshQueue } from '../../../lib/memory/in-process-refresh-queue.js';
import { Gate } from '../../../lib/testing/gate.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';
import { RecordingRefreshQueue } from '../../../lib/testing/recording-refresh-queue.js';
import { counting, MINUTE, Process, SECOND, START, type TestJob } from '../../support/core-harness.js';

/** A job with stale values under these keys. */
async function stale(process: Process, keys: readonly unknown[], options = {}, name = 'J'): Promise<TestJob> {
  const job = process.job(counting(), { ttl: 60, ...options }, { name });
  for (const key of keys) await job.set([key], 'old', { ttl: '1ms' });
  await process.advance(2);
  process.trace();
  return job;
}

describe('requests for refreshes', () => {
  it('go to the queue together, once per turn of the event loop', async () => {
    const queue = new RecordingRefreshQueue();
    const batches: (readonly RefreshRequest[])[] = [];
    const request = queue.request.bind(queue);
    queue.request = (requests) => {
      batches.push(requests);
      return request(requests);
    };
    const process = new Process({ queue });
    const job = await stale(process, [1, 2, 3]);
    const other = await stale(process, [1], {}, 'Other');
    await Promise.all([job.get(1), job.get(2), other.get(1)]);
    expect(batches).toEqual([]);
    await process.settle();
    await job.get(3);
    await process.settle();
    expect(batches.map((batch) => batch.map(({ key }) => key))).toEqual([['J:1', 'J:2', 'Other:1'], ['J:3']]);
  });

  it('carry the name of the job, the key, the state that was seen, the arguments, and the options of the queue', async () => {
    const process = new Process();
    const job = await stale(process, ['a'], { queue: { priority: 3, attempts: 2, delay: '1s' } });
    await job.get('a');
    await process.settle();
    const entry = await process.store.read('J:"a"');
    expect(process.recorded.asked).toEqual([
      {
        job: 'J',
        key: 'J:"a"',
        generation: entry?.generation,
        args: ['a'],
        options: { priority: 3, attempts: 2, delay: 1_000 },
        origin: { at: process.store.now() },
      },
    ]);
  });

  it('after a failure count for as long as the backoff was: one may come too early and be skipped', async () => {
    const process = new Process();
    const failing = { ttl: 60, backoff: { initial: 5 } };
    const job = process.job(() => Promise.reject<string>(new Error('down')), failing);
    await job.set(['a'], 'old', { ttl: '1ms' });
    await process.advance(2);
    await expect(job.refresh('a')).rejects.toThrow('down');
    const requested: number[] = [];
    for (let second = 1; second <= 12; second++) {
      await process.advance(SECOND);
      await job.get('a');
      await process.settle();
      requested.push(process.recorded.asked.length);
    }
    // The backoff ends after five seconds. What was requested then is not run here, as if a worker had skipped it.
    expect(requested).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2]);
  });

  it('are one per key and state, however many readers there are', async () => {
    const process = new Process();
    const job = await stale(process, ['a']);
    for (let read = 0; read < 100; read++) {
      await job.get('a');
      await process.settle();
    }
    expect(process.recorded.asked).toHaveLength(1);
    expect(process.observer.of('refresh-requested')).toHaveLength(1);
    expect(process.cache.stats().requested).toBe(1);
  });

  it('of a new state are made anew', async () => {
    const process = new Process();
    const job = await stale(process, ['a']);
    await job.get('a');
    await job.set(['a'], 'newer', { ttl: '1ms' });
    await process.advance(2);
    await job.get('a');
    await process.settle();
    expect(new Set(process.recorded.asked.map(({ generation }) => generation)).size).toBe(2);
  });

  it('count as lost after refreshTimeout, and are made again', async () => {
    const process = new Process();
    const job = await stale(process, ['a'], { refreshTimeout: '5s' });
    await job.get('a');
    await process.advance(4_999);
    await job.get('a');
    await process.settle();
    expect(process.recorded.asked).toHaveLength(1);
    await process.advance(1);
    await job.get('a');
    await process.settle();
    expect(process.recorded.asked).toHaveLength(2);
    expect(process.recorded.requests).toHaveLength(1);
  });

  it('are remembered for a bounded number of keys: a forgotten one costs a request that the queue knows already', async () => {
    const process = new Process();
    const queue = process.recorded;
    let asked = 0;
    queue.request = async (requests) => void (asked += requests.length);
    const job = process.job(counting(), { fetchOnMiss: false, refreshTimeout: '1h' });
    await job.set([0], 'old', { ttl: '1ms' });
    for (let key = 1; key <= 10_000; key++) await job.set([key], 'old', { ttl: '1ms' });
    await process.advance(2);
    for (let key = 0; key <= 10_000; key++) await job.get(key);
    await process.settle();
    const first = asked;
    for (let key = 9_000; key <= 10_000; key++) await job.get(key);
    await process.settle();
    expect(asked).toBe(first);
    await job.get(0);
    await process.settle();
    expect(asked).toBe(first + 1);
  });

  it('carry copies of the arguments: later changes by the caller do not reach them', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60 });
    const filter = { tags: ['x'] };
    await job.set([filter], 'old', { ttl: '1ms' });
    await process.advance(2);
    await job.get(filter);
    filter.tags.push('y');
    await process.settle();
    expect(process.recorded.asked).toMatchObject([{ args: [{ tags: ['x'] }] }]);
  });

  it('with arguments that cannot travel are reported once, and the reader is served', async () => {
    const process = new Process();
    const job = process.job(counting(), { ttl: 60, key: () => 'own' });
    await job.set([() => 1], 'old', { ttl: '1ms' });
    await process.advance(2);
    process.trace();
    for (let read = 0; read < 3; read++) expect(await job.get(() => 1)).toBe('old');
    await process.settle();
    expect(process.trace().filter((type) => type !== 'stale')).toEqual(['queue-failed']);
  });
});

describe('a queue that fails', () => {
  it('is reported once per batch, and this process refreshes by itself', async () => {
    const clock = new ManualClock(START);
    const queue = new RecordingRefreshQueue();
    const process = new Process({ clock, queue, inProcess: new InProcessRefreshQueue({ clock }) });
    const job = await stale(process, [1, 2, 3]);
    const error = new Error('no queue');
    queue.failNext(error);
    expect(await Promise.all([job.get(1), job.get(2), job.get(3)])).toEqual(['old', 'old', 'old']);
    await process.settle();
    expect(process.observer.of('queue-failed')).toEqual([{ type: 'queue-failed', job: 'J', key: 'J:1', error }]);
    expect((await Promise.all([job.get(1), job.get(2), job.get(3)])).sort()).toEqual(['v1', 'v2', 'v3']);
  });

  it('that throws at once is no different', async () => {
    const clock = new ManualClock(START);
    const queue = new RecordingRefreshQueue();
    queue.request = () => {
      throw new Error('at once');
    };
    const process = new Process({ clock, queue, inProcess: new InProcessRefreshQueue({ clock }) });
    const job = await stale(process, ['a']);
    await job.get('a');
    await process.settle();
    expect(await job.get('a')).toBe('v1');
    expect(process.observer.of('queue-failed')).toHaveLength(1);
  });

  it('and a process that cannot either: each is reported once, and the next reader asks again', async () => {
    const queue = new RecordingRefreshQueue();
    const inProcess = new RecordingRefreshQueue();
    const process = new Process({ queue, inProcess });
    const job = await stale(process, ['a']);
    queue.failNext(new Error('no queue'));
    inProcess.failNext(new Error('no room'));
    expect(await job.get('a')).toBe('old');
    await process.settle();
    expect(process.observer.of('queue-failed').map(({ error }) => (error as Error).message)).toEqual([
      'no queue',
      'no room',
    ]);
    expect(await job.get('a')).toBe('old');
    await process.settle();
    expect(queue.requests).toHaveLength(1);
    expect(process.observer.of('queue-failed')).toHaveLength(2);
  });

  it('with the fetch failing as well: one refresh failure is reported, and no error reaches the reader', async () => {
    const clock = new ManualClock(START);
    const queue = new RecordingRefreshQueue();
    queue.failNext(new Error('no queue'));
    const process = new Process({ clock, queue, inProcess: new InProcessRefreshQueue({ clock }) });
    const job = process.job(() => Promise.reject<string>(new Error('down')), { ttl: 60 });
    await job.set(['a'], 'old');
    await process.advance(MINUTE + 1);
    expect(await job.get('a')).toBe('old');
    await process.settle();
    expect(process.observer.of('refresh-failed')).toHaveLength(1);
    expect(await job.get('a')).toBe('old');
  });
});

describe('a full queue', () => {
  const full = new QueueFullError(10_000);
  const failures = (process: Process): unknown[] => process.observer.of('queue-failed').map(({ error }) => error);

  it('drops requests: nothing runs in the process, and each key is requested again a second later', async () => {
    const queue = new RecordingRefreshQueue();
    const inProcess = new RecordingRefreshQueue();
    const process = new Process({ queue, inProcess });
    const job = await stale(process, ['a']);
    queue.failNext(full);
    for (let read = 0; read < 3; read++) {
      expect(await job.get('a')).toBe('old');
      await process.settle();
    }
    expect([queue.requests, inProcess.requests]).toEqual([[], []]);
    await process.advance(SECOND);
    expect(await job.get('a')).toBe('old');
    await process.settle();
    expect(queue.requests).toMatchObject([{ key: 'J:"a"' }]);
  });

  it('is reported once, and once when it has taken requests for three seconds', async () => {
    const queue = new RecordingRefreshQueue();
    const process = new Process({ queue });
    const job = await stale(process, [1, 2, 3, 4, 5, 6]);
    const request = async (key: number, error?: Error): Promise<void> => {
      if (error !== undefined) queue.failNext(error);
      await job.get(key);
      await process.settle();
    };
    await request(1, full);
    await request(2, full);
    await request(3);
    await request(4, full);
    expect(failures(process)).toEqual([full]);
    await process.advance(3 * SECOND);
    expect(process.observer.of('queue-recovered')).toEqual([]);
    await request(5);
    expect(process.observer.of('queue-recovered')).toMatchObject([{ duration: 3 }]);
    await request(6, full);
    expect(failures(process)).toEqual([full, full]);
  });

  it('in the process: 10,000 invented keys are 1,000 waiting requests, one report, and no read fails', async () => {
    const clock = new ManualClock(START);
    const inProcess = new InProcessRefreshQueue({ clock, limit: 1_000 });
    const process = new Process({ clock, inProcess });
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { ttl: 60, fetchOnMiss: false });
    for (let key = 0; key < 10_000; key += 100) {
      const keys = Array.from({ length: 100 }, (_, at) => key + at);
      expect(await Promise.all(keys.map((each) => job.get(each)))).toEqual(keys.map(() => null));
      await process.settle();
    }
    expect(inProcess.status().waiting).toBe(1_000);
    expect(gate.starts).toBe(10);
    expect(failures(process)).toEqual([expect.any(QueueFullError)]);
  });
});

describe('refreshes in this process', () => {
  it('end before the process does, and what waits is dropped', async () => {
    const clock = new ManualClock(START);
    const inProcess = new InProcessRefreshQueue({ clock, concurrency: 1 });
    const process = new Process({ clock, inProcess });
    const gate = new Gate<string>();
    const job = process.job(gate.fetch, { ttl: 60 });
    await job.set(['a'], 'old', { ttl: '1ms' });
    await job.set(['b'], 'old', { ttl: '1ms' });
    await clock.advance(2);
    await Promise.all([job.get('a'), job.get('b')]);
    await gate.started(1);
    const closed = inProcess.close();
    gate.release('new');
    await closed;
    expect(gate.starts).toBe(1);
    expect(await job.get('a')).toBe('new');
  });

  it('asked for after that are reported, and readers are served', async () => {
    const clock = new ManualClock(START);
    const inProcess = new InProcessRefreshQueue({ clock });
    const process = new Process({ clock, inProcess });
    const job = await stale(process, ['a']);
    await inProcess.close();
    expect(await job.get('a')).toBe('old');
    await process.settle();
    expect(process.observer.of('queue-failed')).toMatchObject([{ error: { code: 'E_QUEUE' } }]);
  });

  it('of a job with a delay wait for it', async () => {
    const process = Process.refreshing();
    const job = await stale(process, ['a'], { queue: { delay: '5s' } });
    await job.get('a');
    await process.advance(4_999);
    expect(await job.get('a')).toBe('old');
    await process.advance(1);
    expect(await job.get('a')).toBe('v1');
    await process.advance(SECOND);
  });
});

describe('an entry that only this process has', () => {
  it.each([
    ['is requested here where the queue may reach another process', true, [0, 1]],
    ['is requested from a queue of this process', false, [1, 0]],
  ])('%s', async (_, shared, counts) => {
    const queue = Object.assign(new RecordingRefreshQueue(), { shared });
    const process = new Process({ queue });
    const job = process.job(() => 'value', { ttl: 1 });
    await job.get('a');
    await process.advance(2 * SECOND);
    await job.get('a');
    await process.settle();
    expect([queue.requests.length, process.recorded.requests.length]).toEqual(counts);
  });
});
