import { afterEach, expect, inject, it, vi } from 'vitest';
import { QueueFullError } from '../../lib/core/errors.js';
import { type RefreshApp, requestOf, startRefreshApp, uniquePrefix } from './refresh-app.js';

const connection = { url: inject('redisUrl') };
const apps: RefreshApp[] = [];
afterEach(async () => {
  for (const { app, bull } of apps.splice(0)) {
    await bull.obliterate({ force: true });
    await app.close();
  }
});

async function start(given: Partial<Parameters<typeof startRefreshApp>[0]> = {}): Promise<RefreshApp> {
  const app = await startRefreshApp({ connection, ...given });
  apps.push(app);
  return app;
}

let invented = 0;

/** Requests that many keys that nobody has asked for before, a hundred at a time. Returns how often it was refused. */
async function flood({ queue }: RefreshApp, keys: number): Promise<number> {
  let refusals = 0;
  for (let sent = 0; sent < keys; sent += 100) {
    const size = Math.min(100, keys - sent);
    const requests = Array.from({ length: size }, () => requestOf(`invented ${String(++invented)}`));
    try {
      await queue.request(requests);
    } catch (error) {
      expect(error).toBeInstanceOf(QueueFullError);
      refusals++;
    }
  }
  return refusals;
}

it('100,000 keys that a client invents are 2,000 waiting requests, at one count for each thousand', async () => {
  const app = await start({ worker: false, maxWaiting: 2_000 });
  const counts = vi.spyOn(app.bull, 'getJobCounts');
  expect(await flood(app, 100_000)).toBe(980);
  // One for each thousand, and then once a second at most.
  expect(counts.mock.calls.length).toBeLessThan(20);
  counts.mockRestore();
  expect(await app.bull.getWaitingCount()).toBe(2_000);
  expect(app.failures).toEqual([]);
});

it('control: without the limit they all wait', async () => {
  const app = await start({ worker: false, maxWaiting: Infinity });
  expect(await flood(app, 3_000)).toBe(0);
  expect(await app.bull.getWaitingCount()).toBe(3_000);
});

it('single requests and batches count alike, and nothing is counted before the first thousand', async () => {
  const app = await start({ worker: false, maxWaiting: 1_500 });
  const counts = vi.spyOn(app.bull, 'getJobCounts');
  for (let sent = 0; sent < 500; sent++) await app.queue.request([requestOf(`single ${String(sent)}`)]);
  await flood(app, 500);
  expect(counts).not.toHaveBeenCalled();
  expect(await flood(app, 1_000)).toBe(5);
  expect(counts).toHaveBeenCalledTimes(2);
  counts.mockRestore();
  expect(await app.bull.getWaitingCount()).toBe(1_500);
});

it('what many callers of a process request at the same time does not exceed it', async () => {
  const app = await start({ worker: false, maxWaiting: 1_500 });
  await Promise.all(Array.from({ length: 5 }, () => flood(app, 2_000)));
  expect(await app.bull.getWaitingCount()).toBeLessThanOrEqual(1_500);
});

it('each further process exceeds it by a thousand at most', async () => {
  const prefix = uniquePrefix();
  const processes = [await start({ worker: false, prefix, maxWaiting: 2_000 })];
  processes.push(await start({ worker: false, prefix, maxWaiting: 2_000 }));
  await Promise.all(processes.map((each) => flood(each, 4_000)));
  expect(await processes[0]?.bull.getWaitingCount()).toBeLessThanOrEqual(3_000);
});

it('requests with arguments of 100 KB take as many places as they are large', async () => {
  const large = 'x'.repeat(100_000);
  const app = await start({ worker: false, maxWaiting: 2_000 });
  let refusals = 0;
  for (let sent = 0; sent < 500; sent++) {
    await app.queue.request([requestOf(`large ${String(sent)}`, { args: [large, sent] })]).catch((error: unknown) => {
      expect(error).toBeInstanceOf(QueueFullError);
      refusals++;
    });
  }
  // 17 places each in base64.
  expect(await app.bull.getWaitingCount()).toBe(118);
  expect(refusals).toBe(500 - 118);
});

it('a request that is larger than the limit is sent where nothing waits, and one only', async () => {
  const app = await start({ worker: false, maxWaiting: 10 });
  const huge = { args: ['x'.repeat(1_000_000)] };
  await app.queue.request([requestOf('one', huge)]);
  await expect(app.queue.request([requestOf('two', huge)])).rejects.toThrow(QueueFullError);
  expect(await app.bull.getWaitingCount()).toBe(1);
});

it('there is room again when a worker has run what waited', async () => {
  const app = await start({ maxWaiting: 50 });
  expect(await flood(app, 60)).toBe(1);
  let run = 0;
  app.queue.process(async () => {
    run++;
    return { kind: 'stored' };
  });
  await vi.waitFor(() => expect(run).toBe(50));
  await vi.waitFor(() => app.queue.request([requestOf('later')]));
  await vi.waitFor(() => expect(run).toBe(51));
});
