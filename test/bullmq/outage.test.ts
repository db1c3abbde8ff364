import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RefreshHandler, RefreshOutcome } from '../../lib/core/ports.js';
import { Gate } from '../../lib/testing/gate.js';
import { startProxy } from '../support/proxy.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { type RefreshApp, requestOf, startRefreshApp } from './refresh-app.js';

const STORED: RefreshOutcome = { kind: 'stored' };
/** Milliseconds that count as "at once" on a machine that is busy with other work. */
const AT_ONCE = 200;
const IN_TIME = 2_000;
const CLOSE_LIMIT = 5_000;

let redis: RedisServer;
let apps: RefreshApp[];
beforeEach(async () => {
  redis = await startRedis();
  apps = [];
  vi.spyOn(console, 'error');
  vi.spyOn(console, 'warn');
});
afterEach(async () => {
  for (const { app } of apps) await app.close();
  expect(console.error).not.toHaveBeenCalled();
  expect(console.warn).not.toHaveBeenCalled();
  vi.restoreAllMocks();
  await redis.stop();
});

async function start(
  url = redis.url,
): Promise<RefreshApp & { handler: Gate<RefreshOutcome, Parameters<RefreshHandler>> }> {
  const app = await startRefreshApp({ connection: { url } });
  apps.push(app);
  const handler = new Gate<RefreshOutcome, Parameters<RefreshHandler>>();
  app.queue.process(handler.fetch);
  return { ...app, handler };
}

describe('while Redis is away', () => {
  it('without a word, refuses soon, and works again over new connections', async () => {
    const proxy = await startProxy(redis.port);
    onTestFinished(() => proxy.stop());
    const { queue, handler } = await start(`redis://127.0.0.1:${String(proxy.port)}`);
    handler.open(() => STORED);
    await queue.request([requestOf('before')]);
    await handler.started(1);
    await sleep(500);
    proxy.silence();
    const [ms, error] = await timed(queue.request([requestOf('during')]));
    expect(error).toMatchObject({ code: 'E_QUEUE', cause: { message: 'Redis did not answer in time' } });
    expect(ms).toBeLessThan(IN_TIME);
    await vi.waitFor(() => queue.request([requestOf('after')]), { timeout: 20_000, interval: 100 });
    await handler.started(3);
  }, 40_000);

  it('refuses at once, says so once, and works again by itself', async () => {
    const { queue, bull, handler, failures } = await start();
    await queue.request([requestOf('before')]);
    await handler.started(1);
    handler.release(STORED);
    await vi.waitFor(async () => expect(await bull.getActiveCount()).toBe(0));
    await redis.kill();
    await vi.waitFor(() => expect(failures.length).toBeGreaterThan(0));
    for (let round = 0; round < 20; round++) {
      const [ms, error] = await timed(queue.request([requestOf(`during ${round}`)]));
      expect(error).toMatchObject({ code: 'E_QUEUE', operation: 'request', job: 'Job', key: `during ${round}` });
      expect(ms).toBeLessThan(AT_ONCE);
      await sleep(100);
    }
    expect(failures).toMatchObject([{ operation: 'connect' }]);

    await redis.restart();
    handler.open(() => STORED);
    const restarted = performance.now();
    await vi.waitFor(() => queue.request([requestOf('after')]), { timeout: 5_000, interval: 20 });
    await handler.started(2);
    expect(performance.now() - restarted).toBeLessThan(3_000);
    await queue.request(['many', 'at', 'once'].map((key) => requestOf(key)));
    await handler.started(5);
    expect(failures.map(({ message }) => message)).toEqual([expect.stringContaining('connect')]);

    await redis.kill();
    await vi.waitFor(() => expect(failures).toHaveLength(2));
  });

  it('does not pile up requests that a frozen Redis does not answer; those it took late are run', async () => {
    const { queue, handler, bull } = await start();
    handler.open(() => STORED);
    await queue.request([requestOf('before')]);
    await handler.started(1);
    redis.freeze();
    const [ms, error] = await timed(queue.request([requestOf('late')]));
    expect(error).toMatchObject({ code: 'E_QUEUE' });
    expect(ms).toBeLessThan(IN_TIME);
    const add = vi.spyOn(bull, 'add');
    for (let round = 0; round < 1_000; round++) {
      await expect(queue.request([requestOf(`during ${round}`)])).rejects.toMatchObject({ code: 'E_QUEUE' });
    }
    expect(add).not.toHaveBeenCalled();

    redis.thaw();
    await handler.started(2);
    expect(handler.calls[1]?.[0].key).toBe('late');
    await vi.waitFor(() => queue.request([requestOf('after')]), { timeout: 5_000, interval: 20 });
    await handler.started(3);
  });

  it('starts, refuses, and works once Redis is there', async () => {
    await redis.kill();
    const { queue, handler, failures } = await start();
    const [ms, error] = await timed(queue.request([requestOf('first')]));
    expect(error).toMatchObject({ code: 'E_QUEUE' });
    expect(ms).toBeLessThan(IN_TIME);
    const [next] = await timed(queue.request([requestOf('second')]));
    expect(next).toBeLessThan(AT_ONCE);
    expect(failures).toMatchObject([{ operation: 'connect', message: expect.stringContaining('ECONNREFUSED') }]);

    await redis.restart();
    handler.open(() => STORED);
    await vi.waitFor(() => queue.request([requestOf('after')]), { timeout: 5_000, interval: 20 });
    await vi.waitFor(() => expect(handler.calls.map(([{ key }]) => key)).toContain('after'), 5_000);
  });

  it('bounds what is under way at one time', async () => {
    const { queue } = await start();
    redis.freeze();
    const first = timed(queue.request([requestOf('first')]));
    const [ms, error] = await timed(
      queue.request(Array.from({ length: 10_000 }, (_, index) => requestOf(`key ${index}`))),
    );
    expect(error).toMatchObject({ message: expect.stringContaining('too many requests are under way') });
    expect(ms).toBeLessThan(AT_ONCE);
    redis.thaw();
    expect(await first).toEqual([expect.any(Number), undefined]);
  });
});

describe('closing takes no longer than a few seconds', () => {
  it('with a refresh that ends meanwhile, which BullMQ learns', async () => {
    const { app, bull, queue, handler } = await start();
    await queue.request([requestOf('key')]);
    await handler.started(1);
    const [other] = [
      await startRefreshApp({ connection: { url: redis.url }, prefix: bull.opts.prefix!, worker: false }),
    ];
    apps.push(other);
    const closing = app.close();
    await sleep(300);
    expect(await other.bull.getActiveCount()).toBe(1);
    handler.release(STORED);
    expect((await timed(closing))[0]).toBeLessThan(1_000);
    expect(await other.bull.getJobCounts()).toMatchObject({ active: 0, waiting: 0, delayed: 0, failed: 0 });
  });

  it('with a refresh that does not end, which another worker takes over', async () => {
    const prefix = 'handover';
    const options = { connection: { url: redis.url }, prefix };
    const leaving = await startRefreshApp(options);
    const hung = new Gate<RefreshOutcome, Parameters<RefreshHandler>>();
    leaving.queue.process(hung.fetch, 1_000);
    await leaving.queue.request([requestOf('key')]);
    await hung.started(1);
    const staying = await startRefreshApp(options);
    apps.push(staying);
    const handler = new Gate<RefreshOutcome, Parameters<RefreshHandler>>();
    staying.queue.process(handler.fetch, 1_000);
    expect((await timed(leaving.app.close()))[0]).toBeLessThan(CLOSE_LIMIT);
    expect(handler.starts).toBe(0);
    await handler.started(1);
    handler.release(STORED);
  });

  it.each<[string, () => Promise<void> | void]>([
    ['dead', () => redis.kill()],
    ['frozen', () => redis.freeze()],
  ])('with Redis %s', async (_, leave) => {
    const [idle, busy] = [await start(), await start()];
    await busy.queue.request([requestOf('hung')]);
    await busy.handler.started(1);
    await idle.queue.request([requestOf('done')]);
    await idle.handler.started(1);
    idle.handler.release(STORED);
    await sleep(100);
    await leave();
    await sleep(100);
    const [ofIdle, ofBusy] = await Promise.all([timed(idle.app.close()), timed(busy.app.close())]);
    expect(ofIdle[0]).toBeLessThan(CLOSE_LIMIT);
    expect(ofBusy[0]).toBeLessThan(CLOSE_LIMIT);
  });

  it('with Redis never reached', async () => {
    await redis.kill();
    const { app, queue } = await start();
    const request = timed(queue.request([requestOf('key')]));
    expect((await timed(app.close()))[0]).toBeLessThan(CLOSE_LIMIT);
    expect((await request)[1]).toMatchObject({ code: 'E_QUEUE' });
  });
});

/** How many milliseconds a promise took, and the error that it rejected with. */
async function timed(promise: Promise<unknown>): Promise<[ms: number, error: unknown]> {
  const started = performance.now();
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return [performance.now() - started, error];
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
