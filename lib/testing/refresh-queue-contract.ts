import type { RefreshHandler, RefreshOutcome, RefreshQueue, RefreshQueueOptions, RefreshRequest } from '../core/ports.js';
import { Gate } from './gate.js';
import type { TestFramework } from './test-framework.js';

/** A queue to test, empty, that runs in the real time. */
export interface RefreshQueueUnderTest {
  readonly queue: RefreshQueue;
  readonly close: () => Promise<void>;
}

export interface RefreshQueueContract {
  /** Called before each test. One request at a time is what some of them need. */
  readonly create: (options: { readonly concurrency: number }) => Promise<RefreshQueueUnderTest>;
}

const STORED: RefreshOutcome = { kind: 'stored' };
/** What `close` may take. */
const CLOSE_LIMIT = 5_000;

/**
 * The tests that every queue passes.
 *
 * ```ts
 * import { afterEach, beforeEach, describe, expect, it } from 'vitest';
 *
 * describeRefreshQueue('MyQueue', { create }, { afterEach, beforeEach, describe, expect, it });
 * ```
 */
export function describeRefreshQueue(name: string, contract: RefreshQueueContract, framework: TestFramework): void {
  const { afterEach, beforeEach, describe, expect, it } = framework;

  describe(name, () => {
    let tested: RefreshQueueUnderTest;
    let handler: Gate<RefreshOutcome, Parameters<RefreshHandler>>;
    const keys = (): string[] => handler.calls.map(([{ key }]) => key);

    beforeEach(async () => {
      tested = await contract.create({ concurrency: 1 });
      handler = new Gate();
    });
    afterEach(() => tested.close());

    it('hands over what was requested', async () => {
      const request = requestOf('key', { job: 'Users.profile', generation: 'g1', args: ['bob', 7] });
      tested.queue.process(handler.fetch);
      await tested.queue.request([request]);
      await handler.started(1);
      expect(handler.calls).toEqual([[request, 1]]);
      handler.release(STORED);
    });

    it('keeps what is requested before anybody processes it', async () => {
      await tested.queue.request([requestOf('key')]);
      tested.queue.process(handler.fetch);
      await handler.started(1);
      handler.release(STORED);
    });

    it('brings arguments over as they were', async () => {
      const args = [
        new Map([['key', { nested: [1n, Number.NaN] }]]),
        new Set([undefined, null]),
        new Date(Date.UTC(2026, 0, 1)),
        -0,
        undefined,
        { nothing: undefined },
        new Uint8Array([1, 2, 255]),
      ];
      tested.queue.process(handler.fetch);
      await tested.queue.request([requestOf('key', { args }), requestOf('none', { args: [] })]);
      await handler.started(1);
      handler.release(STORED);
      await handler.started(2);
      handler.release(STORED);
      expect(handler.calls.map(([request]) => request.args)).toEqual([args, []]);
    });

    it('runs one request per key and generation while it waits and while it runs', async () => {
      const request = requestOf('key', { generation: 'g1' });
      await tested.queue.request([request, request]);
      await tested.queue.request([request]);
      tested.queue.process(handler.fetch);
      await handler.started(1);
      await tested.queue.request([request]);
      handler.release(STORED);
      await runsNext(tested.queue, handler, 2);
      expect(keys()).toEqual(['key', 'marker 2']);
    });

    it('takes the same request again when it has been run', async () => {
      handler.open(() => STORED);
      tested.queue.process(handler.fetch);
      for (let run = 1; run <= 3; run += 1) {
        await acceptedBy(tested.queue, handler, requestOf('key'), run);
      }
    });

    it('runs different generations, keys, and splits of the two', async () => {
      handler.open(() => STORED);
      tested.queue.process(handler.fetch);
      await tested.queue.request([
        requestOf('key', { generation: 'g1' }),
        requestOf('key', { generation: 'g2' }),
        requestOf('other', { generation: 'g1' }),
        requestOf('bc', { generation: 'a' }),
        requestOf('c', { generation: 'ab' }),
        requestOf('abc', { generation: '' }),
      ]);
      await handler.started(6);
      expect(keys()).toEqual(['key', 'key', 'other', 'bc', 'c', 'abc']);
    });

    it('brings further keys over, which are part of what makes a request the same', async () => {
      const others = [{ key: 'b', generation: '7', args: [new Date(0), 1n] }];
      handler.open(() => STORED);
      await tested.queue.request([requestOf('a'), requestOf('a', { others }), requestOf('a', { others }), requestOf('end')]);
      tested.queue.process(handler.fetch);
      await handler.started(3);
      expect(handler.calls.map(([request]) => [request.key, request.others])).toEqual([
        ['a', undefined],
        ['a', others],
        ['end', undefined],
      ]);
    });

    it('ticks in the period of each schedule, and no more for what is not in a later list', async () => {
      const ticks = new Gate<undefined, [string]>();
      ticks.open(() => undefined);
      const tick = async (name: string): Promise<void> => ticks.fetch(name);
      tested.queue.process(handler.fetch);
      await tested.queue.schedule([{ name: 'often', every: 50 }, { name: 'gone', every: 50 }], tick);
      await ticks.started(6);
      expect(new Set(ticks.calls.flat())).toEqual(new Set(['often', 'gone']));
      await tested.queue.schedule([{ name: 'often', every: 50 }], tick);
      await ticks.started(ticks.starts + 3);
      const settled = ticks.starts;
      await ticks.started(settled + 5);
      expect(new Set(ticks.calls.slice(settled).flat())).toEqual(new Set(['often']));
    });

    it('runs the urgent first: without a priority, then 1, then 2; equal ones as they came', async () => {
      tested.queue.process(handler.fetch);
      await tested.queue.request([requestOf('running')]);
      await handler.started(1);
      await tested.queue.request([
        withOptions('2', { priority: 2 }),
        withOptions('1', { priority: 1 }),
        withOptions('1 later', { priority: 1 }),
        withOptions('none', {}),
        withOptions('none later', {}),
      ]);
      handler.open(() => STORED);
      await handler.started(6);
      expect(keys()).toEqual(['running', 'none', 'none later', '1', '1 later', '2']);
    });

    it('waits for the delay of a request, and for no other', async () => {
      const asked = performance.now();
      let started = 0;
      handler.open(({ key }) => {
        if (key === 'delayed') started = performance.now();
        return STORED;
      });
      tested.queue.process(handler.fetch);
      await tested.queue.request([withOptions('delayed', { delay: 300 }), requestOf('at once')]);
      await handler.started(2);
      expect(keys()).toEqual(['at once', 'delayed']);
      expect(started - asked > 250).toBe(true);
    });

    it('tries again what was busy, as the same attempt and without a second request', async () => {
      tested.queue.process(handler.fetch);
      await tested.queue.request([requestOf('key')]);
      await handler.started(1);
      const busy = performance.now();
      handler.release({ kind: 'busy', retryIn: 400 });
      await runsNext(tested.queue, handler, 2);
      await tested.queue.request([requestOf('key')]);
      await handler.started(3);
      expect(performance.now() - busy > 350).toBe(true);
      handler.release(STORED);
      await runsNext(tested.queue, handler, 4);
      expect(keys()).toEqual(['key', 'marker 2', 'key', 'marker 4']);
      expect(handler.calls.map(([, attempt]) => attempt)).toEqual([1, 1, 1, 1]);
    });

    it('tries a failed one as often as it asks for, no sooner than the backoff, and then takes it again', async () => {
      const starts: number[] = [];
      handler.open(() => {
        starts.push(performance.now());
        return { kind: 'failed', error: new Error('The origin is down'), retryIn: 100 };
      });
      tested.queue.process(handler.fetch);
      await tested.queue.request([withOptions('key', { attempts: 3 })]);
      await handler.started(3);
      expect(handler.calls.map(([, attempt]) => attempt)).toEqual([1, 2, 3]);
      expect((starts[1] ?? 0) - (starts[0] ?? 0) >= 100).toBe(true);
      expect((starts[2] ?? 0) - (starts[1] ?? 0) >= 100).toBe(true);
      await acceptedBy(tested.queue, handler, requestOf('key'), 4);
    });

    it('goes on after a handler that throws, and after one that fails with something other than an error', async () => {
      handler.open(({ key }) => {
        if (key === 'throws') throw new Error('A defect');
        if (key === 'odd') return { kind: 'failed', error: undefined, retryIn: 0 };
        return STORED;
      });
      tested.queue.process(handler.fetch);
      await tested.queue.request([requestOf('throws'), requestOf('odd'), requestOf('key')]);
      await handler.started(3);
      expect(keys()).toEqual(['throws', 'odd', 'key']);
    });

    it('serves a job that nobody knew once somebody knows it', async () => {
      const error = new Error('No such job');
      handler.open(({ job }, _attempt) => (job === 'Late' && handler.starts < 3 ? { kind: 'unknown-job', error } : STORED));
      tested.queue.process(handler.fetch);
      await tested.queue.request([requestOf('late', { job: 'Late' }), requestOf('key')]);
      await handler.started(3);
      expect(keys()).toEqual(['late', 'key', 'late']);
      expect(handler.calls.map(([, attempt]) => attempt)).toEqual([1, 1, 1]);
    });

    it('finishes what runs before it is closed, starts nothing, and refuses requests from then on', async () => {
      tested.queue.process(handler.fetch);
      await tested.queue.request([requestOf('running'), requestOf('waiting')]);
      await handler.started(1);
      let closed = false;
      const closing = (async () => {
        await tested.queue.close();
        closed = true;
      })();
      expect(await isRefused(tested.queue, requestOf('too late'))).toBe(true);
      expect(closed).toBe(false);
      handler.release(STORED);
      await closing;
      expect(keys()).toEqual(['running']);
    });

    it('closes within a few seconds although a refresh does not end', async () => {
      tested.queue.process(handler.fetch);
      await tested.queue.request([requestOf('hung')]);
      await handler.started(1);
      const asked = performance.now();
      await tested.queue.close();
      await tested.queue.close();
      expect(performance.now() - asked < CLOSE_LIMIT).toBe(true);
    });

    it('can be closed without having done anything', async () => {
      await tested.queue.close();
      expect(keys()).toEqual([]);
    });
  });
}

function requestOf(key: string, given: Partial<RefreshRequest> = {}): RefreshRequest {
  return { job: 'Job', key, generation: '1', args: [key], options: {}, ...given };
}

function withOptions(key: string, options: RefreshQueueOptions): RefreshRequest {
  return requestOf(key, { options });
}

/** Waits until the queue has got to a request that is made now: whatever was to run before it has. */
async function runsNext(queue: RefreshQueue, handler: Gate<RefreshOutcome, Parameters<RefreshHandler>>, starts: number): Promise<void> {
  await queue.request([requestOf(`marker ${String(starts)}`)]);
  await handler.started(starts);
  handler.release(STORED);
}

/** Requests until it is run: a queue needs a moment to notice that the last run is over. */
async function acceptedBy(
  queue: RefreshQueue,
  handler: Gate<RefreshOutcome, Parameters<RefreshHandler>>,
  request: RefreshRequest,
  starts: number,
): Promise<void> {
  while (handler.starts < starts) {
    await queue.request([request]);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function isRefused(queue: RefreshQueue, request: RefreshRequest): Promise<boolean> {
  try {
    await queue.request([request]);
    return false;
  } catch {
    return true;
  }
}
