import { inspect } from 'node:util';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished, vi } from 'vitest';
import { OutageReporter } from '../../lib/bullmq/outage-reporter.js';
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
