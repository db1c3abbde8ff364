import type { RefreshQueue } from '../core/ports.js';
import { Gate } from './gate.js';
import { RefreshQueueDriver, requestOf, STORED } from './refresh-queue-driver.js';
import { describeRefreshQueueEndings } from './refresh-queue-endings.js';
import type { TestFramework } from './test-framework.js';

/** An empty queue to test. It runs in real time. */
export interface RefreshQueueUnderTest {
  /** Nothing waits in it. */
  readonly queue: RefreshQueue;
  /** Called after each test. */
  readonly close: () => Promise<void>;
}

/** What `describeRefreshQueue` needs. */
export interface RefreshQueueContract {
  /** Called before each test. Some tests need a queue that runs one request at a time. */
  readonly create: (options: { readonly concurrency: number }) => Promise<RefreshQueueUnderTest>;
}

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
    let tested: RefreshQueueDriver;
    beforeEach(async () => {
      const { queue, close } = await contract.create({ concurrency: 1 });
      tested = new RefreshQueueDriver(queue, close);
    });
    afterEach(() => tested.close());

    it('hands over what was requested', async () => {
      const { handler } = tested;
      const request = requestOf('key', { job: 'Users.profile', generation: 'g1', args: ['bob', 7] });
      tested.process();
      await tested.request(request);
      await handler.started(1);
      expect(handler.calls).toEqual([[request, 1]]);
      handler.release(STORED);
    });

    it('keeps what is requested before anybody processes it', async () => {
      const { handler } = tested;
      await tested.request(requestOf('key'));
      tested.process();
      await handler.started(1);
      handler.release(STORED);
    });

    it('brings arguments over as they were', async () => {
      const { handler } = tested;
      const args = [
        new Map([['key', { nested: [1n, Number.NaN] }]]),
        new Set([undefined, null]),
        new Date(Date.UTC(2026, 0, 1)),
        -0,
        undefined,
        { nothing: undefined },
        new Uint8Array([1, 2, 255]),
      ];
      tested.process();
      await tested.request(requestOf('key', { args }), requestOf('none', { args: [] }));
      await handler.started(1);
      handler.release(STORED);
      await handler.started(2);
      handler.release(STORED);
      expect(handler.calls.map(([request]) => request.args)).toEqual([args, []]);
    });

    it('runs one request per key and generation while it waits and while it runs', async () => {
      const { handler } = tested;
      const request = requestOf('key', { generation: 'g1' });
      await tested.request(request, request);
      await tested.request(request);
      tested.process();
      await handler.started(1);
      await tested.request(request);
      handler.release(STORED);
      await tested.runMarker(2);
      expect(tested.keys).toEqual(['key', 'marker 2']);
    });

    it('takes the same request again when it has been run', async () => {
      const { handler } = tested;
      handler.open(() => STORED);
      tested.process();
      for (let run = 1; run <= 3; run += 1) {
        await tested.requestUntilRun(requestOf('key'), run);
      }
    });

    it('runs different generations, keys, and splits of the two', async () => {
      const { handler } = tested;
      handler.open(() => STORED);
      tested.process();
      await tested.request(
        requestOf('key', { generation: 'g1' }),
        requestOf('key', { generation: 'g2' }),
        requestOf('other', { generation: 'g1' }),
        requestOf('bc', { generation: 'a' }),
        requestOf('c', { generation: 'ab' }),
        requestOf('abc', { generation: '' }),
      );
      await handler.started(6);
      expect(tested.keys).toEqual(['key', 'key', 'other', 'bc', 'c', 'abc']);
    });

    it('brings further keys over, which are part of what makes a request the same', async () => {
      const { handler } = tested;
      const others = [{ key: 'b', generation: '7', args: [new Date(0), 1n] }];
      handler.open(() => STORED);
      await tested.request(requestOf('a'), requestOf('a', { others }), requestOf('a', { others }), requestOf('end'));
      tested.process();
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
      tested.process();
      await tested.queue.schedule(
        [
          { name: 'often', timing: { every: 50 } },
          { name: 'gone', timing: { every: 50 } },
        ],
        tick,
      );
      await ticks.started(6);
      expect(new Set(ticks.calls.flat())).toEqual(new Set(['often', 'gone']));
      await tested.queue.schedule([{ name: 'often', timing: { every: 50 } }], tick);
      await ticks.started(ticks.starts + 3);
      const settled = ticks.starts;
      await ticks.started(settled + 5);
      expect(new Set(ticks.calls.slice(settled).flat())).toEqual(new Set(['often']));
    });

    it('runs the urgent first: without a priority, then 1, then 2; equal ones as they came', async () => {
      const { handler } = tested;
      tested.process();
      await tested.request(requestOf('running'));
      await handler.started(1);
      await tested.request(
        requestOf('2', { options: { priority: 2 } }),
        requestOf('1', { options: { priority: 1 } }),
        requestOf('1 later', { options: { priority: 1 } }),
        requestOf('none', { options: {} }),
        requestOf('none later', { options: {} }),
      );
      handler.open(() => STORED);
      await handler.started(6);
      expect(tested.keys).toEqual(['running', 'none', 'none later', '1', '1 later', '2']);
    });

    it('waits for the delay of a request, and for no other', async () => {
      const { handler } = tested;
      const asked = performance.now();
      let started = 0;
      handler.open(({ key }) => {
        if (key === 'delayed') started = performance.now();
        return STORED;
      });
      tested.process();
      await tested.request(requestOf('delayed', { options: { delay: 300 } }), requestOf('at once'));
      await handler.started(2);
      expect(tested.keys).toEqual(['at once', 'delayed']);
      expect(started - asked > 250).toBe(true);
    });

    describeRefreshQueueEndings(framework, () => tested);
  });
}
