import { setTimeout as sleep } from 'node:timers/promises';
import { Test } from '@nestjs/testing';
import { AsyncCache, AsyncCacheJob, AsyncCacheModule, type CacheEvent } from 'nestjs-async-cache';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { StoreOutages } from '../../lib/nest/store-outages.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

class Prices extends AsyncCacheJob {
  ttl = 60;
  override fetch(id: number): Promise<number> {
    return Promise.resolve(id);
  }
}

const SILENT = { log: () => undefined, error: () => undefined, warn: () => undefined };

let redis: RedisServer;
beforeEach(async () => {
  redis = await startRedis();
});
afterEach(() => redis.stop());

/** The events of an outage of some seconds, with reads all the time. */
async function outage(near: false | undefined): Promise<CacheEvent[]> {
  const module = await Test.createTestingModule({
    imports: [AsyncCacheModule.forRoot({ connection: { url: redis.url }, ...(near === undefined ? {} : { near }) })],
    providers: [Prices],
  })
    .setLogger(SILENT)
    .compile();
  onTestFinished(() => module.close());
  const events: CacheEvent[] = [];
  module.get(AsyncCache).events$.subscribe((event) => events.push(event));
  await module.init();
  const prices = module.get(Prices);
  let id = 0;
  let over = false;
  const reading = (async () => {
    while (!over) {
      await Promise.all([prices.get(1), prices.get(++id)]);
      await sleep(5);
    }
  })();
  await sleep(500);
  await redis.kill();
  await sleep(3_000);
  await redis.restart();
  await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain('store-recovered'), { timeout: 30_000 });
  over = true;
  await reading;
  return events;
}

const count = (events: readonly CacheEvent[], type: CacheEvent['type']): number =>
  events.filter((event) => event.type === type).length;

describe.each([
  ['with copies', undefined],
  ['without copies', false as const],
])('Redis is away for three seconds, %s', (_, near) => {
  it('the store says so once, and once that it works again', async () => {
    const events = await outage(near);
    expect(events.filter(({ type }) => type === 'store-failed')).toMatchObject([{ error: { store: 'main' } }]);
    expect(count(events, 'store-recovered')).toBe(1);
  });

  it('each failure is told where nobody keeps count: the control', async () => {
    const isNews = vi.spyOn(StoreOutages.prototype, 'isNews').mockReturnValue(true);
    onTestFinished(() => isNews.mockRestore());
    const events = await outage(near);
    console.log(`without counting: ${String(count(events, 'store-failed'))} reports`);
    expect(count(events, 'store-failed')).toBeGreaterThan(1);
  });
});
