import { inspect } from 'node:util';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { OutageReporter } from '../../lib/bullmq/outage-reporter.js';
import type { QueueError } from '../../lib/core/errors.js';
import { startRedis } from '../support/redis-server.js';

const PASSWORD = 'a-wrong-secret';

async function errorsOf(handle: (error: Error) => void): Promise<void> {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const admin = new Redis(redis.url);
  await admin.config('SET', 'requirepass', 'right');
  admin.disconnect();
  const connection = { host: '127.0.0.1', port: redis.port, password: PASSWORD, maxRetriesPerRequest: null };
  const worker = new Worker('queue', async () => undefined, { connection });
  onTestFinished(() => worker.close(true));
  worker.on('error', handle);
}

it('what is reported of a refused password does not hold the password', async () => {
  const reports: Error[] = [];
  const reporter = new OutageReporter((error) => reports.push(error));
  await errorsOf((error) => {
    reporter.emitted(error);
  });
  await vi.waitFor(() => expect(reports.length).toBeGreaterThan(0));
  const shown = inspect(reports, { depth: Infinity, showHidden: true });
  expect(shown).toContain('WRONGPASS');
  expect(shown).not.toContain(PASSWORD);
});

it('control: the error as it is emitted does', async () => {
  const errors: Error[] = [];
  await errorsOf((error) => errors.push(error));
  await vi.waitFor(() => expect(errors.length).toBeGreaterThan(0));
  expect(inspect(errors, { depth: Infinity })).toContain(PASSWORD);
});

describe('an outage in which an idle worker is refused every six seconds', () => {
  const refused = (): Error => new Error("OOM command not allowed when used memory > 'maxmemory'");

  function outage(error: () => Error): { readonly reports: QueueError[]; readonly ends: number[] } {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const [reports, ends]: [QueueError[], number[]] = [[], []];
    const reporter = new OutageReporter(
      (report) => reports.push(report),
      (seconds) => ends.push(seconds),
    );
    for (let times = 0; times < 10; times++) {
      reporter.emitted(error());
      reporter.connected();
      vi.advanceTimersByTime(6_000);
    }
    vi.advanceTimersByTime(60_000);
    return { reports, ends };
  }

  it('is one report, and one of its end, with the time to its last failure', () => {
    const { reports, ends } = outage(refused);
    expect(reports).toMatchObject([{ operation: 'work', message: expect.stringContaining('OOM') as string }]);
    expect(ends).toEqual([54]);
  });

  it('would be one for each if it counted as over as soon as an outage of connections: the control', () => {
    const { reports, ends } = outage(() => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    expect([reports.length, ends.length]).toEqual([10, 10]);
  });
});
