import { beforeEach, describe, expect, it } from 'vitest';
import type { RefreshHandler, RefreshOutcome, RefreshRequest } from '../../lib/core/ports.js';
import { Gate } from '../../lib/testing/gate.js';
import { RecordingRefreshQueue } from '../../lib/testing/recording-refresh-queue.js';

const STORED: RefreshOutcome = { kind: 'stored' };
const FAILED: RefreshOutcome = { kind: 'failed', error: new Error('down'), retryIn: 0 };

describe('RecordingRefreshQueue', () => {
  let queue: RecordingRefreshQueue;
  let handler: Gate<RefreshOutcome, Parameters<RefreshHandler>>;
  beforeEach(() => {
    queue = new RecordingRefreshQueue();
    handler = new Gate();
    queue.process(handler.fetch);
  });

  it('records, runs nothing by itself, and runs what is pending when told to', async () => {
    await queue.request([requestOf('a'), requestOf('b')]);
    expect([keys(queue.requests), keys(queue.pending), handler.starts]).toEqual([['a', 'b'], ['a', 'b'], 0]);
    handler.open(() => STORED);
    expect(await queue.runNext()).toEqual(STORED);
    expect(keys(queue.pending)).toEqual(['b']);
    expect(await queue.run()).toEqual([STORED]);
    expect(await queue.runNext()).toBeUndefined();
    expect([keys(queue.requests), queue.pending]).toEqual([['a', 'b'], []]);
  });

  it('takes a request once while it is pending or running', async () => {
    await queue.request([requestOf('a'), requestOf('a'), requestOf('a', { generation: '2' })]);
    const running = queue.runNext();
    await queue.request([requestOf('a')]);
    expect([queue.requests.length, queue.asked.length]).toEqual([2, 4]);
    handler.release(STORED);
    await running;
    await queue.request([requestOf('a')]);
    expect(queue.requests).toHaveLength(3);
  });

  it('fails as often as it is told to', async () => {
    queue.failNext(new Error('full'), 2);
    await expect(queue.request([requestOf('a')])).rejects.toThrow('full');
    await expect(queue.request([requestOf('a')])).rejects.toThrow('full');
    await queue.request([requestOf('a')]);
    expect([queue.requests.length, queue.asked.length]).toEqual([1, 3]);
  });

  it('keeps what has to run again, each once a run', async () => {
    await queue.request([requestOf('a', { options: { attempts: 2 } }), requestOf('b'), requestOf('c')]);
    handler.open(({ key }) => (key === 'c' ? { kind: 'busy', retryIn: 1 } : FAILED));
    await queue.run();
    expect(keys(queue.pending)).toEqual(['a', 'c']);
    await queue.run();
    expect(keys(queue.pending)).toEqual(['c']);
    expect(handler.calls.map(([{ key }, attempt]) => `${key}${attempt}`)).toEqual(['a1', 'b1', 'c1', 'a2', 'c1']);
  });

  it('forgets what is pending when it is closed, and everything when it is reset', async () => {
    await queue.request([requestOf('a')]);
    queue.close();
    expect([queue.closed, queue.pending, queue.requests.length]).toEqual([true, [], 1]);
    queue.reset();
    expect([queue.requests, queue.asked]).toEqual([[], []]);
  });

  it('says so when it has no handler', async () => {
    await expect(new RecordingRefreshQueue().runNext()).rejects.toThrow('This queue has no handler');
  });
});

function requestOf(key: string, given: Partial<RefreshRequest> = {}): RefreshRequest {
  return { job: 'Job', key, generation: '1', args: [], options: {}, ...given };
}

function keys(requests: readonly RefreshRequest[]): string[] {
  return requests.map(({ key }) => key);
}
