import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobsOptions } from 'bullmq';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { backendOf } from '../../lib/bullmq/backend-of.js';
import { decodePayload, encodePayload, type RefreshPayload, TICK } from '../../lib/bullmq/refresh-payload.js';
import type { RefreshHandler, RefreshOutcome } from '../../lib/core/ports.js';
import { MsgpackrCodec } from '../../lib/msgpackr/msgpackr-codec.js';
import { Gate } from '../../lib/testing/gate.js';
import { describeRefreshQueue } from '../../lib/testing/refresh-queue-contract.js';
import { type RefreshApp, requestOf, startRefreshApp, uniquePrefix } from './refresh-app.js';

interface Frozen {
  readonly payloads: readonly {
    job: string;
    key: string;
    generation: string;
    args: readonly unknown[];
    payload: RefreshPayload;
  }[];
}
const frozen = JSON.parse(
  readFileSync(new URL('../fixtures/refresh-payload-v1.json', import.meta.url), 'utf8'),
) as Frozen;
const connection = { url: inject('redisUrl') };

describeRefreshQueue(
  'BullMQRefreshQueue, as every queue,',
  {
    create: async ({ concurrency }) => {
      const { app, queue } = await startRefreshApp({ connection, worker: { concurrency } });
      return { queue, close: () => app.close() };
    },
  },
  { afterEach, beforeEach, describe, expect, it },
);

const STORED: RefreshOutcome = { kind: 'stored' };
const BUSY: RefreshOutcome = { kind: 'busy', retryIn: 60_000 };
const UNKNOWN: RefreshOutcome = { kind: 'unknown-job', error: new Error('No job is registered under the name Job') };
const DAY = 24 * 60 * 60 * 1_000;

describe('BullMQRefreshQueue', () => {
  const apps: RefreshApp[] = [];
  let prefix: string;
  beforeEach(() => {
    prefix = uniquePrefix();
  });
  afterEach(async () => {
    for (const { app } of apps.splice(0)) await app.close();
  });

  async function start(given: Partial<Parameters<typeof startRefreshApp>[0]> = {}): Promise<RefreshApp> {
    const app = await startRefreshApp({ connection, prefix, ...given });
    apps.push(app);
    return app;
  }

  it('sends a job under the name of the job, with arguments as bytes, which is gone once it has been run', async () => {
    const { queue, bull } = await start();
    await queue.request([
      requestOf('Users.profile:bob', { job: 'Users.profile', generation: 'g1', args: ['bob', 1n] }),
    ]);
    const [job] = await bull.getWaiting();
    expect(job?.name).toBe('Users.profile');
    expect(job?.data).toEqual({
      v: 1,
      job: 'Users.profile',
      key: 'Users.profile:bob',
      generation: 'g1',
      args: expect.any(String),
    });
    expect(new MsgpackrCodec().decode(Buffer.from(job?.data.args, 'base64'))).toEqual(['bob', 1n]);

    queue.process(async () => STORED);
    await vi.waitFor(async () =>
      expect(await bull.getJobCounts()).toMatchObject({ waiting: 0, active: 0, completed: 0, failed: 0 }),
    );
    expect(await job?.isCompleted()).toBe(false);
  });

  it('asks in one process and runs in another', async () => {
    const [asking, working] = [await start({ worker: false }), await start()];
    const handler = new Gate<RefreshOutcome, Parameters<RefreshHandler>>();
    asking.queue.process(() => Promise.reject(new Error('This process only asks')));
    working.queue.process(handler.fetch);
    await asking.queue.request([requestOf('key')]);
    await handler.started(1);
    handler.release(STORED);
  });

  it('runs one request of many processes', async () => {
    const processes = [await start({ worker: false }), await start({ worker: false }), await start()];
    const keys: string[] = [];
    await Promise.all(
      processes.flatMap(({ queue }) => Array.from({ length: 50 }, () => queue.request([requestOf('key')]))),
    );
    processes[2]?.queue.process(async ({ key }) => {
      keys.push(key);
      return STORED;
    });
    await processes[0]?.queue.request([requestOf('last')]);
    await vi.waitFor(() => expect(keys).toEqual(['key', 'last']));
  });

  it('does not take a worker for dead whose refresh outlasts its lock', async () => {
    const processes = [await start(), await start()];
    const handler = new Gate<RefreshOutcome, Parameters<RefreshHandler>>();
    for (const { queue } of processes) queue.process(handler.fetch, 1_000);
    await processes[0]?.queue.request([requestOf('key')]);
    await handler.started(1);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(handler.starts).toBe(1);
    handler.release(STORED);
    expect(processes.flatMap(({ failures }) => failures)).toEqual([]);
  });

  it('keeps prefixes apart', async () => {
    const [one, other] = [
      await start({ prefix: `${prefix}-1`, worker: false }),
      await start({ prefix: `${prefix}-2` }),
    ];
    const handler = vi.fn(async () => STORED);
    other.queue.process(handler);
    await one.queue.request([requestOf('key')]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(handler).not.toHaveBeenCalled();
    expect(await one.bull.getWaitingCount()).toBe(1);
  });

  it('runs nothing before it is given a handler', async () => {
    const { queue, bull } = await start();
    await queue.request([requestOf('key')]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await bull.getJobCounts()).toMatchObject({ waiting: 1, active: 0 });
  });

  it('hands the failure to BullMQ, with its message and stack, and reports nothing a second time', async () => {
    const { queue, bull, failures } = await start();
    const error = new TypeError('The origin is down');
    queue.process(async () => ({ kind: 'failed', error, retryIn: 30_000 }));
    await queue.request([requestOf('key')]);
    await vi.waitFor(async () => expect(await bull.getFailedCount()).toBe(1));
    const [job] = await bull.getFailed();
    expect(job).toMatchObject({ name: 'Job', failedReason: 'The origin is down', attemptsMade: 1 });
    expect(job?.stacktrace?.[0]).toContain('TypeError: The origin is down');
    expect(failures).toEqual([]);
  });

  it('keeps a bounded number of failures for a day', async () => {
    const { bull } = await start();
    expect(bull.opts.defaultJobOptions).toEqual({
      removeOnComplete: true,
      removeOnFail: { count: 1_000, age: 86_400 },
    });
  });

  it('waits as long as the backoff of the refresh says before the next attempt', async () => {
    const { queue, bull } = await start();
    queue.process(async () => ({ kind: 'failed', error: new Error('The origin is down'), retryIn: 5_000 }));
    await queue.request([requestOf('key', { options: { attempts: 2 } })]);
    await vi.waitFor(async () => expect(await bull.getDelayedCount()).toBe(1));
    const [job] = await bull.getDelayed();
    expect(job).toMatchObject({ delay: 5_020, attemptsMade: 1 });
    expect(await bull.getFailedCount()).toBe(0);
  });

  it('waits for the holder of a busy key, which is not an attempt', async () => {
    const { queue, bull } = await start();
    queue.process(async () => BUSY);
    await queue.request([requestOf('key')]);
    await vi.waitFor(async () => expect(await bull.getDelayedCount()).toBe(1));
    expect((await bull.getDelayed())[0]).toMatchObject({ delay: 60_000, attemptsMade: 0 });
  });

  describe('where the clock of the host is wrong', () => {
    beforeEach(() => {
      const right = Date.now;
      const spy = vi.spyOn(Date, 'now').mockImplementation(() => right() + 15 * 60_000);
      return () => spy.mockRestore();
    });

    it('waits in the worker for the holder of a busy key', async () => {
      const { queue, bull } = await start();
      const calls: number[] = [];
      queue.process(async () => (calls.push(performance.now()) === 1 ? { kind: 'busy', retryIn: 500 } : STORED));
      await queue.request([requestOf('key')]);
      await vi.waitFor(() => expect(calls).toHaveLength(1));
      await sleep(100);
      expect(await bull.getJobCounts()).toMatchObject({ active: 1, delayed: 0 });
      await vi.waitFor(() => expect(calls).toHaveLength(2));
      expect(calls[1]! - calls[0]!).toBeGreaterThanOrEqual(499);
      await vi.waitFor(async () =>
        expect(await bull.getJobCounts()).toMatchObject({ active: 0, delayed: 0, waiting: 0, failed: 0 }),
      );
    });

    it('gives back what waits here when it closes', async () => {
      const { app, queue, bull } = await startRefreshApp({ connection, prefix });
      const other = await start({ worker: false });
      queue.process(async () => BUSY);
      await queue.request([requestOf('key')]);
      await vi.waitFor(async () => expect(await bull.getActiveCount()).toBe(1));
      await sleep(100);
      await app.close();
      expect(await other.bull.getJobCounts()).toMatchObject({ active: 0, delayed: 1 });
    });
  });

  it('keeps a request for an unknown job for later, and later again', async () => {
    const { queue, bull, failures } = await start();
    queue.process(async () => UNKNOWN);
    await queue.request([requestOf('key')]);
    // Between half of one second and all of it, then of two.
    for (const longest of [1_000, 2_000]) {
      await vi.waitFor(async () => {
        const [delayed] = await bull.getDelayed();
        expect(delayed).toMatchObject({ attemptsStarted: longest / 1_000, attemptsMade: 0 });
        expect(delayed?.delay).toBeGreaterThanOrEqual(longest / 2);
        expect(delayed?.delay).toBeLessThanOrEqual(longest);
      }, 3_000);
    }
    expect(failures).toEqual([]);
  });

  it('keeps requests of a newer release for later, and reports the first', async () => {
    const { queue, bull, failures } = await start();
    const handler = vi.fn(async () => STORED);
    queue.process(handler);
    await bull.add('Job', { v: 3, anything: true });
    await bull.add('Job', { v: 3, anything: false });
    await vi.waitFor(async () => expect(await bull.getDelayedCount()).toBe(2));
    expect(handler).not.toHaveBeenCalled();
    expect(failures).toMatchObject([
      { code: 'E_QUEUE', job: 'Job', message: expect.stringContaining('A newer release') },
    ]);
  });

  it('drops the tick of a newer release: the next one comes at its time', async () => {
    const { queue, bull, failures } = await start();
    queue.process(async () => STORED);
    await bull.add(TICK, { v: 3, anything: true });
    await vi.waitFor(async () =>
      expect(await bull.getJobCounts()).toMatchObject({ delayed: 0, waiting: 0, active: 0, failed: 0 }),
    );
    expect(failures).toEqual([]);
  });

  it('gives a request up, and says so, when its job has been unknown for a day', async () => {
    const { queue, bull, failures } = await start();
    queue.process(async () => UNKNOWN);
    await bull.add('Job', await payloadOf('key'), { timestamp: Date.now() - DAY - 1 });
    await vi.waitFor(async () => expect(await bull.getFailedCount()).toBe(1));
    expect(failures).toMatchObject([
      { code: 'E_QUEUE', job: 'Job', message: expect.stringContaining('No job is registered') },
    ]);
  });

  it.each([
    ['nothing', null],
    ['something else', { id: 7 }],
    ['an unknown version', { v: '1', job: 'Job', key: 'key', generation: '', args: '' }],
    ['a missing part', { v: 1, job: 'Job', key: 'key', args: '' }],
    ['bytes of something else', { v: 1, job: 'Job', key: 'key', generation: '', args: 'AAAA' }],
    [
      'no list of arguments',
      { v: 1, job: 'Job', key: 'key', generation: '', args: new MsgpackrCodec().encode('bob').toString('base64') },
    ],
  ])('fails what it cannot read for good, and says so: %s', async (_, data) => {
    const { queue, bull, failures } = await start();
    const handler = vi.fn(async () => STORED);
    queue.process(handler);
    await bull.add('Job', data, { attempts: 5 } satisfies JobsOptions);
    await vi.waitFor(async () => expect(await bull.getFailedCount()).toBe(1));
    expect(handler).not.toHaveBeenCalled();
    expect((await bull.getFailed())[0]).toMatchObject({ attemptsMade: 1 });
    expect(failures).toMatchObject([{ code: 'E_QUEUE', operation: 'decode', job: 'Job' }]);
  });

  it('reports a request that BullMQ gives up because its workers died on it', async () => {
    const { queue, bull, failures } = await start();
    const handler = vi.fn(async () => STORED);
    const client = await backendOf(bull).client;
    const job = await bull.add('Job', await payloadOf('key'));
    // What BullMQ writes when a job has stalled too often.
    await client.hset(bull.toKey(job.id ?? ''), { defa: 'job stalled more than allowable limit' });
    queue.process(handler);
    await vi.waitFor(() =>
      expect(failures).toMatchObject([{ code: 'E_QUEUE', job: 'Job', message: expect.stringContaining('stalled') }]),
    );
    expect(handler).not.toHaveBeenCalled();
  });

  it('passes arguments that cannot be encoded on as a refusal', async () => {
    const { queue } = await start();
    await expect(queue.request([requestOf('key', { args: [() => 1] })])).rejects.toMatchObject({
      code: 'E_QUEUE',
      job: 'Job',
      key: 'key',
    });
  });
});

describe('the payload', () => {
  it.each(frozen.payloads)('of version 1 is read for ever: $key', async ({ payload, ...request }) => {
    expect(decodePayload(payload, new MsgpackrCodec())).toEqual({ kind: 'payload', ...request });
  });

  it('of a request with a context has a version of its own, which an older release puts off', () => {
    const request = { job: 'J', key: 'J:<"a">1', generation: 'g', args: [1], context: { tenant: 'a' } };
    const payload = encodePayload(request, new MsgpackrCodec());
    expect(payload.v).toBe(2);
    expect(decodePayload(payload, new MsgpackrCodec())).toEqual({ kind: 'payload', ...request });
  });

  it('says who asked and when, which an older release ignores and which decides nothing', () => {
    const codec = new MsgpackrCodec();
    const request = { job: 'J', key: 'J:1', generation: 'g', args: [1], origin: { at: 1_000 } };
    const { origin, ...older } = encodePayload(request, codec);
    expect(decodePayload({ ...older, origin }, codec)).toEqual({ kind: 'payload', ...request });
    expect(older).toEqual(encodePayload({ ...request, origin: undefined }, codec));
    for (const odd of [undefined, null, 1, 'x', {}, { at: '1' }, { at: NaN }]) {
      expect(decodePayload({ ...older, origin: odd }, codec)).toMatchObject({ kind: 'payload', key: 'J:1' });
      expect(decodePayload({ ...older, origin: odd }, codec)).not.toHaveProperty('origin');
    }
  });

  it('has not changed without a new version', () => {
    for (const { payload, ...request } of frozen.payloads)
      expect(encodePayload(request, new MsgpackrCodec())).toEqual(payload);
  });
});

async function payloadOf(key: string): Promise<object> {
  return encodePayload(requestOf(key), new MsgpackrCodec());
}
