import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Injectable } from '@nestjs/common';
import { AsyncCached, type CacheEvent } from 'nestjs-async-cache';
import { expect, it, onTestFinished } from 'vitest';
import { EventObserver } from '../../lib/nest/event-observer.js';
import { MINUTE, startApp } from './support/start-app.js';

@Injectable()
class Reports {
  @AsyncCached(60)
  async sales(region: string): Promise<string> {
    return region;
  }
}

const CHANNEL = 'nestjs-async-cache';

it('the diagnostics channel has the events of events$, in their order, and nothing is made while nobody looks', async () => {
  const { app, cache, pass } = await startApp({ providers: [Reports] });
  const observer = app.get(EventObserver, { strict: false });
  const reports = app.get(Reports);
  const published: unknown[] = [];
  const listener = (event: unknown): void => void published.push(event);
  onTestFinished(() => void unsubscribe(CHANNEL, listener));

  await reports.sales('before');
  expect(observer.active).toBe(false);
  subscribe(CHANNEL, listener);
  expect(observer.active).toBe(true);
  const emitted: CacheEvent[] = [];
  const subscription = cache.events$.subscribe((event) => emitted.push(event));
  await reports.sales('eu');
  await reports.sales('eu');
  await pass(MINUTE + 1);
  await reports.sales('eu');
  await pass(0);
  expect((published as CacheEvent[]).map(({ type, key }) => `${type} ${key}`)).toEqual(
    ['fetched', 'stored', 'miss', 'hit', 'refresh-requested', 'stale', 'fetched', 'stored'].map(
      (type) => `${type} Reports.sales:"eu"`,
    ),
  );
  expect(published).toEqual(emitted);

  subscription.unsubscribe();
  unsubscribe(CHANNEL, listener);
  expect(observer.active).toBe(false);
  await reports.sales('eu');
  expect(published).toHaveLength(8);
});

it('a listener of the channel is enough, without a subscriber to events$', async () => {
  const { app } = await startApp({ providers: [Reports] });
  const types: string[] = [];
  const listener = (event: unknown): void => void types.push((event as CacheEvent).type);
  onTestFinished(() => void unsubscribe(CHANNEL, listener));
  subscribe(CHANNEL, listener);
  await app.get(Reports).sales('eu');
  expect(types).toEqual(['fetched', 'stored', 'miss']);
});
