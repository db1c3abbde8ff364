import { type RefreshQueueDriver, requestOf, STORED } from './refresh-queue-driver.js';
import type { TestFramework } from './test-framework.js';

/** Milliseconds that `close` may take. */
const CLOSE_LIMIT = 5_000;

/** How a run ends, what follows from it, and how a queue closes. */
export function describeRefreshQueueEndings({ expect, it }: TestFramework, current: () => RefreshQueueDriver): void {
  it('tries again what was busy, as the same attempt and without a second request', async () => {
    const tested = current();
    const { handler } = tested;
    tested.process();
    await tested.request(requestOf('key'));
    await handler.started(1);
    const busy = performance.now();
    handler.release({ kind: 'busy', retryIn: 400 });
    await tested.runMarker(2);
    await tested.request(requestOf('key'));
    await handler.started(3);
    expect(performance.now() - busy > 350).toBe(true);
    handler.release(STORED);
    await tested.runMarker(4);
    expect(tested.keys).toEqual(['key', 'marker 2', 'key', 'marker 4']);
    expect(tested.attempts).toEqual([1, 1, 1, 1]);
  });

  it('runs what is due again behind what waits, as the same attempt', async () => {
    const tested = current();
    const { handler } = tested;
    let runs = 0;
    handler.open(({ key }) => (key === 'key' && runs++ < 3 ? { kind: 'again' } : STORED));
    await tested.request(requestOf('key'), requestOf('other'));
    tested.process();
    await handler.started(5);
    expect(tested.keys.filter((key) => key === 'key').length).toBe(4);
    expect(tested.keys.indexOf('other') <= 1).toBe(true);
    expect(tested.attempts).toEqual([1, 1, 1, 1, 1]);
  });

  it('tries a failed one as often as it asks for, no sooner than the backoff, and then takes it again', async () => {
    const tested = current();
    const { handler } = tested;
    const starts: number[] = [];
    handler.open(() => {
      starts.push(performance.now());
      return { kind: 'failed', error: new Error('The origin is down'), retryIn: 100 };
    });
    tested.process();
    await tested.request(requestOf('key', { options: { attempts: 3 } }));
    await handler.started(3);
    expect(tested.attempts).toEqual([1, 2, 3]);
    expect((starts[1] ?? 0) - (starts[0] ?? 0) >= 100).toBe(true);
    expect((starts[2] ?? 0) - (starts[1] ?? 0) >= 100).toBe(true);
    await tested.requestUntilRun(requestOf('key'), 4);
  });

  it('goes on after a handler that throws, and after one that fails with something other than an error', async () => {
    const tested = current();
    const { handler } = tested;
    handler.open(({ key }) => {
      if (key === 'throws') throw new Error('A defect');
      if (key === 'odd') return { kind: 'failed', error: undefined, retryIn: 0 };
      return STORED;
    });
    tested.process();
    await tested.request(requestOf('throws'), requestOf('odd'), requestOf('key'));
    await handler.started(3);
    expect(tested.keys).toEqual(['throws', 'odd', 'key']);
  });

  it('runs a request for an unknown job when a process knows the job', async () => {
    const tested = current();
    const { handler } = tested;
    const error = new Error('No such job');
    handler.open(({ job }, _attempt) =>
      job === 'Late' && handler.starts < 3 ? { kind: 'unknown-job', error } : STORED,
    );
    tested.process();
    await tested.request(requestOf('late', { job: 'Late' }), requestOf('key'));
    await handler.started(3);
    expect(tested.keys).toEqual(['late', 'key', 'late']);
    expect(tested.attempts).toEqual([1, 1, 1]);
  });

  it('finishes what runs before it is closed, starts nothing, and refuses requests from then on', async () => {
    const tested = current();
    const { handler } = tested;
    tested.process();
    await tested.request(requestOf('running'), requestOf('waiting'));
    await handler.started(1);
    let closed = false;
    const closing = (async () => {
      await tested.queue.close();
      closed = true;
    })();
    expect(await tested.refuses(requestOf('too late'))).toBe(true);
    expect(closed).toBe(false);
    handler.release(STORED);
    await closing;
    expect(tested.keys).toEqual(['running']);
  });

  it('closes within a few seconds although a refresh does not end', async () => {
    const tested = current();
    const { handler } = tested;
    tested.process();
    await tested.request(requestOf('hung'));
    await handler.started(1);
    const asked = performance.now();
    await tested.queue.close();
    await tested.queue.close();
    expect(performance.now() - asked < CLOSE_LIMIT).toBe(true);
  });

  it('can be closed without having done anything', async () => {
    const tested = current();
    await tested.queue.close();
    expect(tested.keys).toEqual([]);
  });
}
