import { Injectable } from '@nestjs/common';
import { AsyncCached, AsyncCacheJob } from 'nestjs-async-cache';
import { expect, it } from 'vitest';
import { MINUTE, startApp } from './support/start-app.js';

@Injectable()
class Service {
  runs = 0;
  @AsyncCached(60)
  async load(): Promise<number> {
    return ++this.runs;
  }
}

class Job extends AsyncCacheJob {
  ttl = 60;
  runs = 0;
  async fetch(): Promise<number> {
    return ++this.runs;
  }
}

it('two applications with the same classes share no entries, events, statistics or refreshes', async () => {
  const parts = { providers: [Service, Job] };
  const [one, other] = [await startApp(parts), await startApp({ ...parts, options: { defaults: { grace: 5 } } })];
  const events: string[] = [];
  other.cache.events$.subscribe(({ type }) => events.push(type));
  one.app.get(Service).runs = 10;
  one.app.get(Job).runs = 10;
  expect([await one.app.get(Service).load(), await one.app.get(Job).get()]).toEqual([11, 11]);
  expect(events).toEqual([]);
  expect([await other.app.get(Service).load(), await other.app.get(Job).get()]).toEqual([1, 1]);
  expect(one.cache.stats()).toMatchObject({ misses: 2, hits: 0 });
  expect(other.cache.stats()).toMatchObject({ misses: 2, hits: 0 });
  await one.pass(MINUTE + 1);
  await one.app.get(Service).load();
  await one.pass(0);
  expect([one.app.get(Service).runs, other.app.get(Service).runs]).toEqual([12, 1]);
  await one.cache.clear();
  await one.app.close();
  expect(await other.app.get(Service).load()).toBe(1);
  expect(await other.app.get(Job).get()).toBe(1);
});
