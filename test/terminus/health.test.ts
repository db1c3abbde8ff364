import { Injectable } from '@nestjs/common';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { AsyncCached, AsyncCacheModule, type AsyncCacheOptions } from 'nestjs-async-cache';
import { AsyncCacheHealthIndicator, AsyncCacheHealthModule } from 'nestjs-async-cache/terminus';
import { describe, expect, inject, it } from 'vitest';
import { Gate } from '../../lib/testing/gate.js';
import { startRedis } from '../support/redis-server.js';
import { startApp } from '../nest/support/start-app.js';

@Injectable()
class Reports {
  readonly gate = new Gate<string>();

  @AsyncCached({ ttl: 60, backoff: { initial: '1ms', max: '1ms' } })
  async sales(region: string): Promise<string> {
    return `${region} ${await this.gate.fetch()}`;
  }
}

const url = new URL(inject('redisUrl'));
const connection = { host: url.hostname, port: Number(url.port) };

const start = async (options: AsyncCacheOptions) => {
  const started = await startApp({
    imports: [TerminusModule, AsyncCacheHealthModule],
    providers: [Reports],
    cacheModule: AsyncCacheModule.forRoot(options),
  });
  const reports = started.app.get(Reports);
  return {
    ...started,
    reports,
    sales: started.cache.of(reports, 'sales'),
    indicator: started.app.get(AsyncCacheHealthIndicator, { strict: false }),
  };
};

describe('the health of the cache', () => {
  it.each<[string, AsyncCacheOptions]>([
    ['embedded', {}],
    ['on Redis', { connection, prefix: `health-${String(Math.random())}` }],
    ['in cache-manager', { stores: [] }],
  ])('is up, with details, %s', async (_, options) => {
    const { indicator } = await start(options);
    await expect
      .poll(() => indicator.check('cache', { minWorkers: 1 }))
      .toEqual({
        cache: {
          status: 'up',
          stores: { main: 'up' },
          queue: 'up',
          waiting: 0,
          backlogAge: 0,
          workers: 1,
          failingFor: 0,
        },
      });
  });

  it('is what HealthCheckService shows', async () => {
    const { app, indicator } = await start({});
    const health = app.get(HealthCheckService, { strict: false });
    expect(await health.check([() => indicator.check('cache')])).toMatchObject({ status: 'ok' });
    await expect(health.check([() => indicator.check('cache', { minWorkers: 2 })])).rejects.toMatchObject({
      response: { status: 'error', error: { cache: { reasons: ['there are fewer workers than minWorkers'] } } },
    });
  });

  it('is down where refreshes have been failing for longer than they may', async () => {
    const { indicator, reports, sales, pass } = await start({});
    await sales.set(['EU'], 'old');
    reports.gate.open(() => {
      throw new Error('down');
    });
    await sales.invalidate('EU');
    await pass(0);
    await pass(30_000);
    expect(await indicator.check('cache')).toMatchObject({ cache: { status: 'up', failingFor: 30 } });
    expect(await indicator.check('cache', { maxFailingFor: '1m' })).toMatchObject({ cache: { status: 'up' } });
    expect(await indicator.check('cache', { maxFailingFor: '20s' })).toMatchObject({
      cache: { status: 'down', reasons: [expect.stringContaining('maxFailingFor')] },
    });
    reports.gate.open(() => 'new');
    await sales.refresh('EU');
    expect(await indicator.check('cache')).toMatchObject({ cache: { failingFor: 0 } });
  });

  it('is down where requests wait for longer than they may', async () => {
    const { indicator, reports, sales, pass } = await start({ worker: { concurrency: 1 } });
    for (const region of ['EU', 'US']) {
      await sales.set([region], 'old');
      await sales.invalidate(region);
    }
    await reports.gate.started(1);
    await pass(40_000);
    expect(await indicator.check('cache', { maxBacklogAge: 30 })).toMatchObject({
      cache: { status: 'down', waiting: 1, backlogAge: 40 },
    });
    reports.gate.open(() => 'new');
  });

  it('without Redis is up, since reads are answered: the details say what is down', async () => {
    const redis = await startRedis();
    const { indicator } = await start({ connection: { host: '127.0.0.1', port: redis.port }, near: false });
    await expect.poll(() => indicator.check('cache')).toMatchObject({ cache: { stores: { main: 'up' } } });
    await redis.stop();
    await expect
      .poll(() => indicator.check('cache'), { timeout: 5_000 })
      .toMatchObject({ cache: { status: 'up', stores: { main: 'down' }, queue: 'down' } });
    expect(await indicator.check('cache', { minWorkers: 1 })).toMatchObject({ cache: { status: 'down' } });
  });

  it('is down where workers run that do not know a job of this application', async () => {
    const prefix = `health-${String(Math.random())}`;
    const worker = await startApp({ cacheModule: AsyncCacheModule.forRoot({ connection, prefix, name: 'shop' }) });
    const { indicator } = await start({ connection, prefix, name: 'shop', worker: false });
    await expect.poll(() => indicator.check('cache')).toMatchObject({ cache: { status: 'up', workers: 0 } });
    expect(await indicator.check('cache', { minWorkers: 1 })).toMatchObject({
      cache: { status: 'down', reasons: ['there are fewer workers than minWorkers'] },
    });
    await worker.app.close();
    await start({ connection, prefix, name: 'shop' });
    await expect
      .poll(() => indicator.check('cache', { minWorkers: 1 }), { timeout: 20_000 })
      .toMatchObject({ cache: { status: 'up', workers: 1 } });
  });

  it('refuses a threshold that is no duration', async () => {
    const { indicator } = await start({});
    await expect(indicator.check('cache', { maxBacklogAge: 'soon' as '1s' })).rejects.toThrow(/maxBacklogAge/);
  });
});
