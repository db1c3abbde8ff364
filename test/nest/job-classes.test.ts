import { Injectable, Logger } from '@nestjs/common';
import { AsyncCached, AsyncCacheJob, type JobOptions, refreshContext } from 'nestjs-async-cache';
import { of } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { MINUTE, startApp, startFailure } from './support/start-app.js';

@Injectable()
class Http {
  calls: string[] = [];
  async get(name: string): Promise<string[]> {
    this.calls.push(name);
    return [`${name} ${String(this.calls.length)}`];
  }
}

@Injectable()
class UserTweets extends AsyncCacheJob implements JobOptions<[username: string], string[]> {
  ttl = 60;
  constructor(private readonly http: Http) {
    super();
  }
  async fetch(username: string): Promise<string[]> {
    return this.http.get(username);
  }
}

describe('a job class', () => {
  const start = async () => {
    const started = await startApp({ providers: [Http, UserTweets] });
    return { ...started, tweets: started.app.get(UserTweets), http: started.app.get(Http) };
  };

  it('get: the value, from the cache whenever there is one', async () => {
    const { tweets, pass } = await start();
    expect(await tweets.get('bob')).toEqual(['bob 1']);
    expect(await tweets.get('bob')).toEqual(['bob 1']);
    await pass(MINUTE + 1);
    expect(await tweets.get('bob')).toEqual(['bob 1']);
    await pass(0);
    expect(await tweets.get('bob')).toEqual(['bob 2']);
  });

  it('read: with how it came', async () => {
    const { tweets, pass } = await start();
    expect(await tweets.read('bob')).toEqual({ value: ['bob 1'], status: 'miss', age: 0, refreshing: false });
    await pass(10_000);
    expect(await tweets.read('bob')).toEqual({ value: ['bob 1'], status: 'hit', age: 10, refreshing: false });
    await pass(MINUTE);
    expect(await tweets.read('bob')).toEqual({ value: ['bob 1'], status: 'stale', age: 70, refreshing: true });
  });

  it('peek: the entry, and triggers nothing', async () => {
    const { tweets, http, clock, pass } = await start();
    expect(await tweets.peek('bob')).toBe(undefined);
    await tweets.get('bob');
    const storedAt = new Date(clock.now());
    expect(await tweets.peek('bob')).toMatchObject({ value: ['bob 1'], age: 0, status: 'fresh', storedAt });
    await pass(MINUTE + 1);
    expect(await tweets.peek('bob')).toMatchObject({ status: 'stale' });
    await pass(0);
    expect(http.calls).toHaveLength(1);
  });

  it('set, refresh, invalidate, delete', async () => {
    const { tweets, pass } = await start();
    await tweets.set(['bob'], ['by hand'], { ttl: '1h' });
    await pass(MINUTE + 1);
    expect(await tweets.read('bob')).toMatchObject({ value: ['by hand'], status: 'hit' });
    expect(await tweets.refresh('bob')).toEqual(['bob 1']);
    await tweets.invalidate('bob');
    expect(await tweets.read('bob')).toMatchObject({ value: ['bob 1'], status: 'stale', refreshing: true });
    await pass(0);
    expect(await tweets.read('bob')).toMatchObject({ value: ['bob 2'], status: 'hit' });
    expect([await tweets.delete('bob'), await tweets.delete('bob')]).toEqual([true, false]);
    expect(await tweets.read('bob')).toMatchObject({ value: ['bob 3'], status: 'miss' });
  });

  it('getMany, warm', async () => {
    const { tweets, http } = await start();
    await tweets.get('bob');
    expect(await tweets.getMany([['ann'], ['bob']])).toEqual([['ann 2'], ['bob 1']]);
    const seen: number[] = [];
    const progress = await tweets.warm([['ann'], ['cid'], ['dan']], {
      concurrency: 1,
      onProgress: ({ done, failed, total }) => seen.push(done + failed, total),
    });
    expect(progress).toEqual({ done: 3, failed: 0, total: 3 });
    expect(seen).toEqual([1, 3, 2, 3, 3, 3]);
    expect(http.calls).toHaveLength(4);
  });

  it('fetchMany, where it has one, fetches what getMany misses', async () => {
    class Rows extends AsyncCacheJob {
      batches: number[][] = [];
      async fetch(id: number): Promise<string> {
        return `one ${id}`;
      }
      async fetchMany(argsList: [number][]): Promise<string[]> {
        this.batches.push(argsList.map(([id]) => id));
        return argsList.map(([id]) => `many ${id}`);
      }
    }
    const { app } = await startApp({ providers: [Rows] });
    const rows = app.get(Rows);
    await rows.get(2);
    expect(await rows.getMany([[1], [2], [3]])).toEqual(['many 1', 'one 2', 'many 3']);
    expect(rows.batches).toEqual([[1, 3]]);
  });
});

describe('options of a job class', () => {
  it('are attributes', async () => {
    class Attributes extends AsyncCacheJob {
      ttl = '2m';
      grace = 0;
      name = 'own.name';
      version = 3;
      runs = 0;
      async fetch(): Promise<number> {
        return ++this.runs;
      }
    }
    const { app, cache, log, pass } = await startApp({ providers: [Attributes] });
    const job = app.get(Attributes);
    const keys: string[] = [];
    cache.events$.subscribe(({ key }) => keys.push(key));
    await job.get();
    await pass(2 * MINUTE);
    expect(await job.get()).toBe(1);
    await pass(1);
    expect(await job.get()).toBe(2);
    expect(keys[0]).toBe('own.name@3:');
    expect(log.own('log')).toEqual([expect.stringMatching(/^own\.name: fresh for 2m, never served stale/)]);
  });

  it('are methods, called on the job', async () => {
    class Methods extends AsyncCacheJob {
      readonly seconds = 60;
      runs = 0;
      ttl(value: string, id: number) {
        return value.startsWith('x') ? id : this.seconds;
      }
      tags(_value: string, id: number) {
        return [`id:${id}`];
      }
      prepareArgs(id: number): [number] {
        return [Math.abs(id)];
      }
      key(id: number) {
        return `k${id}`;
      }
      processResult(value: string, { status, args }: { status: string; args: readonly unknown[] }) {
        return `${value} ${status} ${String(args)}`;
      }
      async fetch(id: number): Promise<string> {
        return `${id} ${++this.runs}`;
      }
    }
    const { app, cache, pass } = await startApp({ providers: [Methods] });
    const job = app.get(Methods);
    expect(await job.get(-5)).toBe('5 1 miss 5');
    expect(await job.get(5)).toBe('5 1 hit 5');
    expect((await job.peek(5))?.tags).toEqual(['id:5']);
    await cache.invalidateTags('id:5');
    expect(await job.get(5)).toBe('5 1 stale 5');
    await pass(0);
    expect(await job.get(5)).toBe('5 2 hit 5');
  });

  it('that are set to undefined are not set', async () => {
    class Unset extends AsyncCacheJob {
      ttl: number | undefined = undefined;
      async fetch(): Promise<void> {}
    }
    const { log } = await startApp({ providers: [Unset], options: { defaults: { ttl: '7m' } } });
    expect(log.own('log')).toEqual([expect.stringContaining('Unset: fresh for 7m')]);
  });

  it('may be inherited by a subclass of a subclass, which is a job of its own', async () => {
    class Base extends AsyncCacheJob {
      ttl = 60;
      async fetch(id: number): Promise<string> {
        return `base ${id}`;
      }
    }
    class Sub extends Base {
      override ttl = 120;
      override async fetch(id: number): Promise<string> {
        return `sub ${await super.fetch(id)}`;
      }
    }
    const { app, log } = await startApp({ providers: [Base, Sub] });
    expect([await app.get(Base).get(1), await app.get(Sub).get(1)]).toEqual(['base 1', 'sub base 1']);
    expect(log.own('log')).toEqual([
      expect.stringContaining('Base: fresh for 1m,'),
      expect.stringContaining('Sub: fresh for 2m,'),
    ]);
  });
});

describe('kept warm', () => {
  class Cities extends AsyncCacheJob {
    ttl = '1h';
    readonly fetched: string[] = [];
    warmOnStart = () => Promise.resolve([['ulm'], ['bonn']]);
    readonly refreshEvery = { every: '1m', args: [['ulm']] };
    async fetch(city: string): Promise<string> {
      this.fetched.push(city);
      return `${city} ${this.fetched.length}`;
    }
  }
  @Injectable()
  class Decorated {
    runs = 0;
    @AsyncCached({ ttl: '1h', warmOnStart: [[1]], refreshEvery: { every: '1m', args: () => [[1]] } })
    async load(id: number): Promise<string> {
      return `${id} ${++this.runs}`;
    }
  }

  it('warmOnStart fetches when the application starts, refreshEvery at every period', async () => {
    const { app, pass, log } = await startApp({ providers: [Cities, Decorated] });
    const [cities, decorated] = [app.get(Cities), app.get(Decorated)];
    await pass(0);
    expect(cities.fetched.toSorted()).toEqual(['bonn', 'ulm']);
    expect(await decorated.load(1)).toBe('1 1');
    await pass(2 * MINUTE);
    expect(cities.fetched.filter((city) => city === 'ulm').length).toBeGreaterThanOrEqual(2);
    expect(cities.fetched.filter((city) => city === 'bonn')).toHaveLength(1);
    expect(decorated.runs).toBeGreaterThanOrEqual(2);
    expect(log.own('error')).toEqual([]);
  });
});

describe('is refused at start-up', () => {
  it('without fetch', async () => {
    class Empty extends (AsyncCacheJob as unknown as new () => object) {}
    const { message } = await startFailure({ providers: [Empty] });
    expect(message).toBe('Empty has no fetch. Override fetch(...args): it gets the value that is cached');
  });

  it('with a dependency in the place of an option', async () => {
    @Injectable()
    class Queue {}
    @Injectable()
    class Sending extends AsyncCacheJob {
      constructor(readonly queue: Queue) {
        super();
      }
      async fetch(): Promise<void> {}
    }
    const { message } = await startFailure({ providers: [Queue, Sending] });
    expect(message).toBe(
      'Sending has an attribute queue that is a Queue, and queue is an option of a job. Give the attribute another name',
    );
  });

  it('when it has no name', async () => {
    const { message } = await startFailure({
      providers: [
        {
          provide: 'anonymous',
          useFactory: () =>
            new (class extends AsyncCacheJob {
              async fetch(): Promise<void> {}
            })(),
        },
      ],
    });
    expect(message).toMatch(/needs a name that is the same in every process/);
  });
});

describe('a job that was made by hand', () => {
  it('runs uncached, says so once, and has a refresh context', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    class ByHand extends AsyncCacheJob {
      runs = 0;
      async fetch(id: number): Promise<string> {
        const { key, background, attempt, previous, signal } = refreshContext();
        return `${id} ${++this.runs} ${JSON.stringify([key, background, attempt, previous ?? null, signal.aborted])}`;
      }
    }
    const job = new ByHand();
    expect(await job.get(1)).toBe('1 1 ["",false,1,null,false]');
    expect(await job.read(1)).toMatchObject({ value: expect.stringContaining('1 2') as string, status: 'miss' });
    expect(await new ByHand().getMany([[1], [2]])).toHaveLength(2);
    expect(await job.peek(1)).toBe(undefined);
    expect(await job.delete(1)).toBe(false);
    await job.set([1], 'x');
    await job.invalidate(1);
    expect(await job.refresh(1)).toContain('1 3');
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^ByHand runs uncached/)]]);
    warn.mockRestore();
  });

  it('of what fetch returns as an Observable, it is the last value as well', async () => {
    vi.spyOn(Logger.prototype, 'warn').mockImplementationOnce(() => undefined);
    class Streaming extends AsyncCacheJob {
      fetch(): Promise<number> {
        return of(1, 2) as never;
      }
    }
    expect(await new Streaming().get()).toBe(2);
    const { app } = await startApp({ providers: [Streaming] });
    expect(await app.get(Streaming).get()).toBe(2);
  });
});
