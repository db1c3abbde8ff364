import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { OutageReporter } from '../../lib/bullmq/outage-reporter.js';
import { WorkerRest } from '../../lib/bullmq/worker-rest.js';
import type { RefreshOutcome } from '../../lib/core/ports.js';
import { Gate } from '../../lib/testing/gate.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { type RefreshApp, requestOf, startRefreshApp } from './refresh-app.js';

let redis: RedisServer;
let admin: Redis;
beforeEach(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
  await admin.call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all');
});
afterEach(async () => {
  vi.restoreAllMocks();
  admin.disconnect();
  await redis.stop();
});

interface Started extends RefreshApp {
  /** Seconds of each outage that is over. */
  readonly ends: number[];
  readonly handler: Gate<RefreshOutcome>;
}

/** An application with a request that waits for its worker, which is not started yet. */
async function start(): Promise<Started> {
  const ends: number[] = [];
  const connection = { host: '127.0.0.1', port: redis.port, username: 'app', password: 'secret' };
  const app = await startRefreshApp({ connection, onOutageEnd: (seconds) => ends.push(seconds) });
  onTestFinished(() => app.app.close());
  const handler = new Gate<RefreshOutcome>();
  handler.open(() => ({ kind: 'stored' }));
  await app.queue.request([requestOf('before')]);
  return { ...app, ends, handler };
}

const REFUSALS: readonly [string, () => Promise<unknown>, () => Promise<unknown>][] = [
  [
    'NOPERM',
    () => admin.call('ACL', 'SETUSER', 'app', '-eval', '-evalsha'),
    () => admin.call('ACL', 'SETUSER', 'app', '+eval', '+evalsha'),
  ],
  ['OOM', () => admin.config('SET', 'maxmemory', '1'), () => admin.config('SET', 'maxmemory', '0')],
];

describe.each(REFUSALS)('a Redis that refuses with %s', (word, forbid, allow) => {
  it('is reported once, asked about once a second, and reported to work again', async () => {
    const emitted = vi.spyOn(OutageReporter.prototype, 'emitted');
    const { failures, ends, queue, handler } = await start();
    await forbid();
    queue.process(handler.fetch);
    await vi.waitFor(() => expect(emitted.mock.calls.length).toBeGreaterThan(2));
    expect(emitted.mock.calls.length).toBeLessThan(20);
    expect(failures).toMatchObject([{ operation: 'work', message: expect.stringContaining(word) as string }]);
    expect(ends).toEqual([]);
    await allow();
    await handler.started(1);
    await vi.waitFor(() => expect(ends).toHaveLength(1));
    expect(failures).toHaveLength(1);
  });
});

it('control: without the rest there are thousands of questions', async () => {
  vi.spyOn(WorkerRest.prototype, 'begin').mockReturnValue(undefined);
  const emitted = vi.spyOn(OutageReporter.prototype, 'emitted').mockReturnValue(undefined);
  const { queue, handler } = await start();
  await admin.call('ACL', 'SETUSER', 'app', '-eval', '-evalsha');
  queue.process(handler.fetch);
  await vi.waitFor(() => expect(emitted.mock.calls.length).toBeGreaterThan(1_000));
});

it('a password that is changed while connections end is reported, and that it works again', async () => {
  const { failures, ends, queue, bull, handler } = await start();
  queue.process(handler.fetch);
  await handler.started(1);
  // Else its end could not be written, which would be a report of its own.
  await vi.waitFor(async () => expect(await bull.getActiveCount()).toBe(0));
  await admin.call('ACL', 'SETUSER', 'app', 'resetpass', '>other');
  await admin.call('CLIENT', 'KILL', 'USER', 'app');
  await vi.waitFor(() => expect(failures.map(({ message }) => message).join()).toContain('WRONGPASS'));
  // Several attempts of three connections.
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  // One for the connections that ended, one for the reason why there are no new ones.
  const reported = failures.length;
  expect(reported).toBeLessThanOrEqual(2);
  expect(inspect(failures, { depth: Infinity, showHidden: true })).not.toContain('secret');
  expect(ends).toEqual([]);
  await admin.call('ACL', 'SETUSER', 'app', 'resetpass', '>secret');
  await vi.waitFor(() => expect(ends).toHaveLength(1));
  await vi.waitFor(() => queue.request([requestOf('after')]));
  await handler.started(2);
  expect(failures.slice(reported).map(({ message }) => message)).toEqual([]);
});
