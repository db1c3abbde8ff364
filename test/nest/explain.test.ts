import { Injectable } from '@nestjs/common';
import { AsyncCacheJob, AsyncCached, type AsyncCacheOptions } from 'nestjs-async-cache';
import { describe, expect, inject, it, vi } from 'vitest';
import { Gate } from '../../lib/testing/gate.js';
import { startApp } from './support/start-app.js';

@Injectable()
class Reports {
  readonly gate = new Gate<string>();

  @AsyncCached({ ttl: 60, grace: 100, tags: (_, region) => [`region:${String(region)}`], refreshTimeout: '30s' })
  async sales(region: string): Promise<string> {
    return `${region} ${await this.gate.fetch()}`;
  }
}

@Injectable()
class Tweets extends AsyncCacheJob {
  ttl = 60;
  async fetch(user: string): Promise<string> {
    return user;
  }
}

const url = new URL(inject('redisUrl'));
const connection = { host: url.hostname, port: Number(url.port) };
const homes: readonly [string, () => AsyncCacheOptions, boolean][] = [
  ['embedded', () => ({}), false],
  ['on Redis', () => ({ connection, worker: { concurrency: 1 }, prefix: `explain ${String(Math.random())}` }), true],
  ['on Redis without copies', () => ({ connection, near: false, prefix: `explain ${String(Math.random())}` }), false],
];

describe.each(homes)('explain, %s,', (_, options, hasCopies) => {
  const start = async () => {
    const started = await startApp({ providers: [Reports, Tweets], options: options() });
    const reports = started.app.get(Reports);
    const explain = () => started.cache.explain(reports, 'sales', 'EU');
    return { ...started, reports, explain, sales: started.cache.of(reports, 'sales') };
  };

  it('of nothing says that the next read is a miss, and asks for nothing', async () => {
    const { explain, reports } = await start();
    await vi.waitFor(async () => expect((await explain()).workers).toBe(1));
    expect(await explain()).toEqual({
      key: 'Reports.sales:"EU"',
      job: 'Reports.sales',
      status: 'absent',
      tags: [],
      failures: 0,
      queued: false,
      copy: false,
      workers: 1,
      text: 'Reports.sales:"EU" is absent. There is no value that may be served: the next read is a miss.',
    });
    expect(reports.gate.starts).toBe(0);
  });

  it('of a fetch under way has its lease', async () => {
    const { explain, reports } = await start();
    const read = reports.sales('EU');
    await reports.gate.started(1);
    const { lease, text } = await explain();
    expect(lease?.remaining).toBeGreaterThan(0);
    expect(lease?.remaining).toBeLessThanOrEqual(10);
    expect(text).toMatch(/Somebody is fetching it, under a lease of \d/);
    reports.gate.release('v1');
    await read;
    expect((await explain()).lease).toBeUndefined();
  });

  it('of a value has its times and tags', async () => {
    const { explain, reports } = await start();
    reports.gate.open(() => 'v1');
    await reports.sales('EU');
    await reports.sales('EU');
    const { storedAt, freshUntil, staleUntil, ...facts } = await explain();
    expect(facts).toMatchObject({ status: 'fresh', tags: ['region:EU'], failures: 0 });
    expect(Number(freshUntil) - Number(storedAt)).toBeCloseTo(60_000, -1);
    expect(Number(staleUntil) - Number(freshUntil)).toBeCloseTo(100_000, -1);
    expect(facts.text).toMatch(/is fresh\. The value is \d[\d.]* s old and fresh until .*Its tags are region:EU/);
    if (!hasCopies) expect(facts.copy).toBe(false);
    else await expect.poll(async () => (await reports.sales('EU'), (await explain()).copy)).toBe(true);
  });

  it('of a stale value says whether a refresh was requested, and what failed', async () => {
    const { explain, reports, sales } = await start();
    reports.gate.open(() => 'v1');
    await reports.sales('EU');
    reports.gate.open(() => {
      throw new Error('the origin is down');
    });
    await sales.invalidate('EU');
    await expect.poll(async () => (await explain()).failures).toBe(1);
    const failed = await explain();
    expect(failed).toMatchObject({ status: 'stale', lastError: 'the origin is down' });
    expect(failed.nextAttempt).toBeInstanceOf(Date);
    expect(failed.text).toMatch(/The last refresh failed with: the origin is down\. The next attempt/);
  });

  it('of a refresh that runs says that it was requested', async () => {
    const { explain, reports, sales } = await start();
    await sales.set(['EU'], 'old');
    await sales.invalidate('EU');
    await reports.gate.started(1);
    expect(await explain()).toMatchObject({ status: 'stale', queued: true, lease: { remaining: expect.any(Number) } });
    reports.gate.release('new');
    await expect.poll(async () => (await explain()).status).toBe('fresh');
  });

  it('is a call of a job, too, and of a job class', async () => {
    const { app, sales, cache } = await start();
    expect(await sales.explain('EU')).toMatchObject({ status: 'absent' });
    expect(await cache.explain(Reports, 'sales', 'US')).toMatchObject({ key: 'Reports.sales:"US"' });
    const tweets = app.get(Tweets);
    await tweets.get('bob');
    expect(await tweets.explain('bob')).toMatchObject({ job: 'Tweets', status: 'fresh' });
  });
});

it('explain with enabled: false says that the job runs uncached', async () => {
  const { app } = await startApp({ providers: [Tweets], options: { enabled: false } });
  expect(await app.get(Tweets).explain('bob')).toMatchObject({
    status: 'absent',
    text: expect.stringContaining('uncached'),
  });
});
