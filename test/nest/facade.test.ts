import { Injectable, Scope } from '@nestjs/common';
import { AsyncCache, AsyncCached, AsyncCacheJob, type CacheEvent, ConfigurationError } from 'nestjs-async-cache';
import { type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { MINUTE, startApp } from './support/start-app.js';

@Injectable()
class Reports {
  runs = 0;
  @AsyncCached({ ttl: 60, tags: (value: string, region: string) => [`region:${region}`, 'all'] })
  async sales(region: string): Promise<string> {
    return `${region} ${++this.runs}`;
  }
  @AsyncCached(60)
  stream(id: number): Observable<string> {
    return of(`${id} ${++this.runs}`);
  }
  async plain(): Promise<void> {}
}

class Tweets extends AsyncCacheJob {
  async fetch(name: string): Promise<string> {
    return name;
  }
}

const start = (...providers: (new (...args: never[]) => object)[]) =>
  startApp({ providers: [Reports, Tweets, ...providers] });

describe('of', () => {
  it.each(['instance', 'class'])('gives the job of a decorated method, by %s', async (by) => {
    const { app, cache, pass } = await start();
    const reports = app.get(Reports);
    const sales = by === 'class' ? cache.of(Reports, 'sales') : cache.of(reports, 'sales');
    expect(sales.name).toBe('Reports.sales');
    expect(await reports.sales('eu')).toBe('eu 1');
    expect(await sales.read('eu')).toMatchObject({ value: 'eu 1', status: 'hit' });
    expect(await sales.peek('eu')).toMatchObject({ value: 'eu 1', tags: ['region:eu', 'all'] });
    expect(await sales.refresh('eu')).toBe('eu 2');
    await sales.set(['us'], 'by hand');
    expect(await reports.sales('us')).toBe('by hand');
    expect(await sales.getMany([['us'], ['eu']])).toEqual(['by hand', 'eu 2']);
    await sales.invalidate('eu');
    expect(await reports.sales('eu')).toBe('eu 2');
    await pass(0);
    expect(await reports.sales('eu')).toBe('eu 3');
    expect(await sales.delete('eu')).toBe(true);
    expect(await reports.sales('eu')).toBe('eu 4');
    expect(await sales.warm([['as'], ['eu']])).toEqual({ done: 2, failed: 0, total: 2 });
  });

  it('of a method that returns an Observable, a job of its values', async () => {
    const { cache } = await start();
    expect(await cache.of(Reports, 'stream').get(1)).toBe('1 1');
  });

  it('refuses what is not decorated, and names it', async () => {
    const { app, cache } = await start();
    for (const call of [() => cache.of(app.get(Reports), 'plain'), () => cache.of(Reports, 'plain')]) {
      expect(call).toThrow(ConfigurationError);
      expect(call).toThrow('Reports.plain is not decorated. Put @AsyncCached on it, or name a method that has it');
    }
    expect(() => cache.of(Reports, 'toString' as 'plain')).toThrow('Reports.toString is not decorated');
  });

  it('rejects for a class that is not provided, when there is no instance to fetch with', async () => {
    class Elsewhere {
      @AsyncCached(60)
      async load(): Promise<void> {}
    }
    const { cache } = await start();
    await expect(cache.of(Elsewhere, 'load').get()).rejects.toThrow(
      'Elsewhere.load cannot be refreshed: no provider or controller has the class Elsewhere',
    );
  });

  it('finds the class that is provided for an abstract one', async () => {
    abstract class Repository {
      abstract find(id: number): Promise<string>;
    }
    class SqlRepository extends Repository {
      @AsyncCached(60)
      async find(id: number): Promise<string> {
        return `sql ${id}`;
      }
    }
    const { app, cache } = await startApp({ providers: [{ provide: Repository, useClass: SqlRepository }] });
    const find = cache.of(Repository, 'find');
    expect(find.name).toBe('SqlRepository.find');
    expect(await find.get(1)).toBe('sql 1');
    expect(await find.peek(1)).toBeDefined();
    expect(await cache.of(app.get(Repository), 'find').peek(1)).toBeDefined();
  });

  it('makes an instance where there is none: request-scoped', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @AsyncCached(60)
      async load(id: number): Promise<string> {
        return `scoped ${id}`;
      }
    }
    const { app, cache } = await start(PerRequest);
    expect(await cache.of(PerRequest, 'load').get(1)).toBe('scoped 1');
    const instance = await app.resolve(PerRequest);
    expect(await cache.of(instance, 'load').read(1)).toMatchObject({ status: 'hit' });
  });

  it('distinguishes a method from the one that it calls through super', async () => {
    class Base {
      runs = 0;
      @AsyncCached(60)
      async find(id: number): Promise<string> {
        return `base ${id} ${++this.runs}`;
      }
    }
    class Calling extends Base {
      @AsyncCached(60)
      override async find(id: number): Promise<string> {
        return `over ${await super.find(id)}`;
      }
    }
    class Undecorated extends Base {
      override async find(id: number): Promise<string> {
        return `plain ${await super.find(id)}`;
      }
    }
    const { app, cache } = await start(Calling, Undecorated);
    const calling = app.get(Calling);
    await calling.find(1);
    expect(cache.of(calling, 'find').name).toBe('Calling.find');
    await cache.of(Calling, 'find').delete(1);
    expect(await calling.find(1)).toBe('over base 1 1');
    const undecorated = app.get(Undecorated);
    await undecorated.find(1);
    const behindSuper = cache.of(Undecorated, 'find');
    expect(behindSuper.name).toBe('Undecorated.find(Base)');
    await behindSuper.delete(1);
    expect(await undecorated.find(1)).toBe('plain base 1 2');
  });
});

describe('jobs', () => {
  it('are those of methods and of job classes, and each has the calls of a job', async () => {
    const { cache } = await start();
    expect(cache.jobs().map(({ name }) => name)).toEqual(['Reports.sales', 'Reports.stream', 'Tweets']);
    const [sales, , tweets] = cache.jobs();
    expect(await sales!.get('eu')).toBe('eu 1');
    expect(await tweets!.get('bob')).toBe('bob');
    expect(await sales!.peek('eu')).toMatchObject({ value: 'eu 1' });
  });
});

describe('events$', () => {
  it('emits what happens: one event says how a read ended', async () => {
    const { app, cache, pass } = await start();
    const events: CacheEvent[] = [];
    const subscription = cache.events$.subscribe((event) => events.push(event));
    const reports = app.get(Reports);
    const trace = () => events.splice(0).map(({ type, job, key }) => `${type} ${job} ${key}`);
    const on = (...types: string[]) => types.map((type) => `${type} Reports.sales Reports.sales:"eu"`);
    await reports.sales('eu');
    expect(trace()).toEqual(on('fetched', 'stored', 'miss'));
    await reports.sales('eu');
    expect(trace()).toEqual(on('hit'));
    await pass(MINUTE + 1);
    await reports.sales('eu');
    await pass(0);
    expect(trace()).toEqual(on('refresh-requested', 'stale', 'fetched', 'stored'));
    await cache.of(reports, 'sales').delete('eu');
    expect(trace()).toEqual(on('deleted'));
    subscription.unsubscribe();
    await reports.sales('eu');
    expect(events).toEqual([]);
  });

  it('ends with the application', async () => {
    const { app, cache } = await start();
    let ended = false;
    cache.events$.subscribe({ complete: () => (ended = true) });
    await app.close();
    expect(ended).toBe(true);
  });
});

it('stats() counts, in all and by job', async () => {
  const { app, cache, pass } = await start();
  await app.get(Reports).sales('eu');
  await app.get(Reports).sales('eu');
  await app.get(Tweets).get('bob');
  await pass(MINUTE + 1);
  await app.get(Reports).sales('eu');
  await pass(0);
  const counted = { hits: 1, stale: 1, misses: 1, fetches: 2, failures: 0 };
  expect(cache.stats().jobs['Reports.sales']).toMatchObject(counted);
  expect(cache.stats()).toMatchObject({ ...counted, misses: 2, fetches: 3 });
});

describe('tags', () => {
  it('invalidateTags makes stale, deleteTags removes', async () => {
    const { app, cache } = await start();
    const reports = app.get(Reports);
    const statuses = async () => [
      (await cache.of(reports, 'sales').peek('eu'))?.status,
      (await cache.of(reports, 'sales').peek('us'))?.status,
    ];
    await reports.sales('eu');
    await reports.sales('us');
    await cache.invalidateTags('region:eu', 'unknown');
    expect(await statuses()).toEqual(['stale', 'fresh']);
    await cache.deleteTags('region:us');
    expect(await statuses()).toEqual(['stale', undefined]);
    await cache.deleteTags('all');
    expect(await statuses()).toEqual([undefined, undefined]);
    await cache.invalidateTags();
  });

  it('that are no names are refused', async () => {
    const { cache } = await start();
    await expect(cache.invalidateTags('')).rejects.toThrow(ConfigurationError);
    await expect(cache.deleteTags(5 as never)).rejects.toThrow(ConfigurationError);
  });
});

it('clear() removes every entry', async () => {
  const { app, cache } = await start();
  await app.get(Reports).sales('eu');
  await app.get(Tweets).get('bob');
  await cache.clear();
  expect(await cache.of(Reports, 'sales').peek('eu')).toBe(undefined);
  expect(await app.get(Tweets).peek('bob')).toBe(undefined);
});

it('can be injected', async () => {
  @Injectable()
  class Using {
    constructor(readonly cache: AsyncCache) {}
  }
  const { app, cache } = await start(Using);
  expect(app.get(Using).cache).toBe(cache);
});
