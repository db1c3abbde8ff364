import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RefreshOutcome, RefreshQueue, RefreshRequest } from '../../lib/core/ports.js';
import { InProcessRefreshQueue } from '../../lib/memory/in-process-refresh-queue.js';
import { SystemClock } from '../../lib/memory/system-clock.js';
import { Gate } from '../../lib/testing/gate.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { describeRefreshQueue } from '../../lib/testing/refresh-queue-contract.js';
import { runContract } from '../support/run-contract.js';

describeRefreshQueue(
  'InProcessRefreshQueue, as every queue,',
  {
    create: async ({ concurrency }) => {
      const queue = new InProcessRefreshQueue({ clock: new SystemClock(), concurrency });
      return { queue, close: () => queue.close() };
    },
  },
  { afterEach, beforeEach, describe, expect, it },
);

describe('the contract of a queue', () => {
  it('sees that requests are not deduplicated', async () => {
    const { failed } = await runContract(
      (framework) =>
        describeRefreshQueue(
          'A forgetful queue',
          { create: async ({ concurrency }) => forgetful(concurrency) },
          framework,
        ),
      { atOnce: true },
    );
    expect(failed).toEqual([
      'runs one request per key and generation while it waits and while it runs',
      'brings further keys over, which are part of what makes a request the same',
      'tries again what was busy, as the same attempt and without a second request',
    ]);
  });
});

/** A queue for which no two requests are equal. */
function forgetful(concurrency: number) {
  const queue = new InProcessRefreshQueue({ clock: new SystemClock(), concurrency });
  let asked = 0;
  const close = () => queue.close();
  const request = (requests: readonly RefreshRequest[]) =>
    queue.request(requests.map((request) => ({ ...request, generation: `${asked++}/${request.generation}` })));
  const process: RefreshQueue['process'] = (handler) =>
    queue.process((request, attempt) =>
      handler({ ...request, generation: request.generation.replace(/^\d+\//, '') }, attempt),
    );
  const schedule: RefreshQueue['schedule'] = (schedules, tick) => queue.schedule(schedules, tick);
  return { queue: { request, process, schedule, close }, close };
}

const STORED: RefreshOutcome = { kind: 'stored' };
const BUSY: RefreshOutcome = { kind: 'busy', retryIn: 0 };
const UNKNOWN: RefreshOutcome = { kind: 'unknown-job', error: new Error('No such job') };

describe('InProcessRefreshQueue', () => {
  let clock: ManualClock;
  let handler: Gate<RefreshOutcome, [RefreshRequest, number]>;
  beforeEach(() => {
    clock = new ManualClock();
    handler = new Gate();
  });

  function queueWith(options: { concurrency?: number; limit?: number } = {}) {
    const queue = new InProcessRefreshQueue({ clock, ...options });
    queue.process(handler.fetch);
    return queue;
  }

  it('starts nothing on the path of the requester', async () => {
    const queue = queueWith();
    void queue.request([requestOf('key')]);
    await Promise.resolve();
    expect(handler.starts).toBe(0);
    await clock.advance(0);
    expect(handler.starts).toBe(1);
  });

  it('runs as many at once as it may', async () => {
    const queue = queueWith({ concurrency: 3 });
    void queue.request(['a', 'b', 'c', 'd', 'e'].map((key) => requestOf(key)));
    await clock.advance(0);
    expect(handler.starts).toBe(3);
    handler.release(STORED);
    await clock.advance(0);
    expect(handler.starts).toBe(4);
    handler.open(() => STORED);
    await clock.advance(0);
    expect([handler.starts, handler.mostAtOnce]).toEqual([5, 3]);
  });

  it('runs ten at once by default', async () => {
    void queueWith().request(Array.from({ length: 30 }, (_, index) => requestOf(`key ${index}`)));
    await clock.advance(0);
    expect(handler.starts).toBe(10);
  });

  it('keeps the first requests when it is full, rejects the others, and has room again later', async () => {
    const queue = queueWith({ concurrency: 1, limit: 2 });
    await queue.request([requestOf('running')]);
    await clock.advance(0);
    const refused = queue.request([
      requestOf('a'),
      requestOf('b', { options: { delay: 5 } }),
      requestOf('c'),
      requestOf('a'),
    ]);
    await expect(refused).rejects.toMatchObject({
      code: 'E_QUEUE',
      message: expect.stringContaining('2 requests for refreshes wait, and further ones are dropped'),
    });
    handler.open(() => STORED);
    await clock.advance(5);
    expect(keys(handler)).toEqual(['running', 'a', 'b']);
    await queue.request([requestOf('c')]);
    await clock.advance(0);
    expect(keys(handler)).toEqual(['running', 'a', 'b', 'c']);
  });

  it('is full as well when the arguments of what waits take 64 MB, and takes any single one', async () => {
    const queue = queueWith({ concurrency: 1 });
    const large = (key: string, megabytes: number) => requestOf(key, { args: ['x'.repeat(megabytes * 2 ** 20)] });
    const refused = queue.request([large('huge', 100), ...Array.from({ length: 100 }, (_, n) => large(String(n), 1))]);
    await expect(refused).rejects.toThrow('1 requests for refreshes wait');
    handler.open(() => STORED);
    await clock.advance(0);
    expect(keys(handler)).toEqual(['huge']);
    const many = queue.request(Array.from({ length: 100 }, (_, n) => large(String(n), 1)));
    await expect(many).rejects.toThrow(/6[34] requests for refreshes wait/);
    await clock.advance(0);
    expect(handler.starts).toBeLessThanOrEqual(65);
    // Room again, and nothing was counted twice.
    const again = queue.request(Array.from({ length: 100 }, (_, n) => large(`again ${String(n)}`, 1)));
    await expect(again).rejects.toThrow(/6[34] requests for refreshes wait/);
  });

  it('never throws synchronously', () => {
    const queue = queueWith({ limit: 0 });
    const refused = queue.request([requestOf('key')]);
    expect(refused).toBeInstanceOf(Promise);
    (refused as Promise<void>).catch(() => {});
  });

  it('does not spin on a key whose lease is as good as over', async () => {
    handler.open(() => (handler.starts < 4 ? BUSY : STORED));
    const queue = queueWith();
    await queue.request([requestOf('key')]);
    await clock.advance(9);
    expect(handler.starts).toBe(1);
    await clock.advance(1);
    expect(handler.starts).toBe(2);
    await clock.advance(1_000);
    expect(handler.starts).toBe(4);
  });

  it('tries an unknown job a few times, later and later, and gives up', async () => {
    handler.open(() => UNKNOWN);
    const queue = queueWith();
    await queue.request([requestOf('key')]);
    const starts: number[] = [];
    for (let second = 0; second <= 20; second++) {
      await clock.advance(second === 0 ? 0 : 1_000);
      starts.push(handler.starts);
    }
    expect(starts.slice(0, 16)).toEqual([1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5]);
    expect(starts.at(-1)).toBe(5);
    await queue.request([requestOf('key')]);
    await clock.advance(0);
    expect(handler.starts).toBe(6);
  });

  it('drops what waits when it is closed, delayed or not', async () => {
    const queue = queueWith({ concurrency: 1 });
    await queue.request([
      requestOf('running'),
      requestOf('waiting'),
      requestOf('delayed', { options: { delay: 1_000 } }),
    ]);
    await clock.advance(0);
    const closing = queue.close();
    handler.release({ kind: 'busy', retryIn: 10 });
    await clock.advance(5_000);
    await closing;
    expect(keys(handler)).toEqual(['running']);
  });

  it('gives what runs three seconds to end', async () => {
    const queue = queueWith();
    await queue.request([requestOf('hung')]);
    await clock.advance(0);
    let closed = false;
    const closing = queue.close().then(() => (closed = true));
    await clock.advance(2_999);
    expect(closed).toBe(false);
    await clock.advance(1);
    expect(closed).toBe(true);
    await closing;
  });
});

function requestOf(key: string, given: Partial<RefreshRequest> = {}): RefreshRequest {
  return { job: 'Job', key, generation: '1', args: [], options: {}, ...given };
}

function keys(handler: Gate<RefreshOutcome, [RefreshRequest, number]>): string[] {
  return handler.calls.map(([{ key }]) => key);
}
