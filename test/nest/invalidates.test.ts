import { Injectable, SetMetadata } from '@nestjs/common';
import {
  AsyncCached,
  AsyncCacheJob,
  type CacheEvent,
  Invalidates,
  InvalidatesTags,
  type Store,
  type Write,
} from 'nestjs-async-cache';
import { firstValueFrom, lastValueFrom, Observable, of, throwError } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { OpenStores } from '../../lib/open-stores.js';
import { startApp, startFailure } from './support/start-app.js';

@Injectable()
class PriceService {
  readonly prices = new Map<number, number>();
  fetched = 0;

  @AsyncCached({ ttl: 600, tags: (_, id) => [`price:${String(id)}`] })
  async price(id: number): Promise<number | undefined> {
    this.fetched++;
    return this.prices.get(id);
  }
}

@Injectable()
class UserTweets extends AsyncCacheJob {
  ttl = 600;

  async fetch(username: string): Promise<string[]> {
    return [username];
  }
}

@Injectable()
class Writer {
  constructor(private readonly prices: PriceService) {}

  @Invalidates(PriceService, 'price', ({ args: [id] }) => [id])
  async setPrice(id: number, price: number): Promise<{ id: number }> {
    if (price < 0) throw new RangeError('negative');
    this.prices.prices.set(id, price);
    return { id };
  }

  @Invalidates(() => PriceService, 'price', ({ args: [id] }: Write<[id: number], unknown>) => [id], { delete: true })
  async removePrice(id: number): Promise<void> {
    this.prices.prices.delete(id);
  }

  @Invalidates(PriceService, 'price')
  async reprice(): Promise<void> {}

  @Invalidates(PriceService, 'price', { delete: true })
  async forgetPrices(): Promise<void> {}

  @Invalidates(UserTweets, ({ result }) => [result.username])
  async rename(): Promise<{ username: string }> {
    return { username: 'bob' };
  }

  @Invalidates(UserTweets)
  async moderate(): Promise<void> {}

  @InvalidatesTags(({ args }) => [`price:${String(args[0])}`])
  async tag(id: number): Promise<void> {
    void id;
  }

  @InvalidatesTags(['price:1'], { delete: true })
  async untag(): Promise<void> {}

  @Invalidates(PriceService, 'price', ({ args: [id] }) => [id])
  observed(id: number, source: Observable<number>): Observable<number> {
    void id;
    return source;
  }

  @Invalidates(PriceService, 'price', () => {
    throw new Error('no such member');
  })
  async misselects(): Promise<string> {
    return 'written';
  }
}

const providers = [PriceService, UserTweets, Writer];

async function start() {
  const started = await startApp({ providers });
  const { app, cache } = started;
  const [prices, writer, tweets] = [app.get(PriceService), app.get(Writer), app.get(UserTweets)];
  prices.prices.set(1, 10).set(2, 20);
  await prices.price(1);
  await prices.price(2);
  await tweets.get('bob');
  await tweets.get('eve');
  const price = cache.of(PriceService, 'price');
  const stateOf = async (id: number) => (await price.peek(id))?.status;
  return { ...started, prices, writer, tweets, price, stateOf };
}

describe('@Invalidates', () => {
  it('makes the one entry stale before the caller gets its result, and requests a refresh', async () => {
    const { writer, stateOf, price, pass } = await start();
    expect(await writer.setPrice(1, 11)).toEqual({ id: 1 });
    expect([await stateOf(1), await stateOf(2)]).toEqual(['stale', 'fresh']);
    await pass(0);
    expect(await price.read(1)).toMatchObject({ value: 11, status: 'hit' });
  });

  it('does nothing after a failure, whose error is the original', async () => {
    const { writer, stateOf } = await start();
    await expect(writer.setPrice(1, -1)).rejects.toThrow(new RangeError('negative'));
    expect(await stateOf(1)).toBe('fresh');
  });

  it('with { delete: true } removes', async () => {
    const { writer, stateOf } = await start();
    await writer.removePrice(1);
    expect([await stateOf(1), await stateOf(2)]).toEqual([undefined, 'fresh']);
  });

  it('without a function means all entries of the read, and of no other', async () => {
    const { writer, stateOf, tweets } = await start();
    await writer.reprice();
    expect([await stateOf(1), await stateOf(2)]).toEqual(['stale', 'stale']);
    await writer.forgetPrices();
    expect([await stateOf(1), await stateOf(2)]).toEqual([undefined, undefined]);
    expect((await tweets.peek('bob'))?.status).toBe('fresh');
    await writer.moderate();
    expect((await tweets.peek('bob'))?.status).toBe('stale');
  });

  it('of a job class takes the arguments of its fetch', async () => {
    const { writer, tweets } = await start();
    await writer.rename();
    expect([(await tweets.peek('bob'))?.status, (await tweets.peek('eve'))?.status]).toEqual(['stale', 'fresh']);
  });

  it('reports what the function throws, once, and the call succeeds', async () => {
    const { writer, log, stateOf } = await start();
    expect(await writer.misselects()).toBe('written');
    expect(log.own('error')).toEqual([
      'Writer.misselects succeeded, but PriceService.price was not invalidated, so readers may get what was before it until the ttl is over: no such member',
    ]);
    expect(await stateOf(1)).toBe('fresh');
  });

  it('reports a store that does not answer, once, and the call succeeds', async () => {
    const { app, writer, cache, stateOf } = await start();
    const events: CacheEvent[] = [];
    cache.events$.subscribe((event) => events.push(event));
    const store: Store = app.get(OpenStores).main;
    vi.spyOn(store, 'invalidate').mockImplementation(() => {
      throw new Error('Redis is away');
    });
    expect(await writer.setPrice(1, 11)).toEqual({ id: 1 });
    expect(events).toMatchObject([
      {
        type: 'invalidation-failed',
        job: 'PriceService.price',
        writer: 'Writer.setPrice',
        error: { message: 'Redis is away' },
      },
    ]);
    expect(await stateOf(1)).toBe('fresh');
  });
});

describe('@Invalidates on a method that returns an Observable', () => {
  it('acts when it has completed, before the last value', async () => {
    const { writer, stateOf } = await start();
    const seen: unknown[] = [];
    await new Promise<void>((resolve) => {
      writer.observed(1, of(1, 2)).subscribe({
        next: (value) => seen.push(value),
        complete: resolve,
      });
      expect(seen).toEqual([1]);
    });
    expect(seen).toEqual([1, 2]);
    expect(await stateOf(1)).toBe('stale');
  });

  it.each([
    ['firstValueFrom', firstValueFrom],
    ['lastValueFrom', lastValueFrom],
  ])('acts for a caller that takes its one value with %s', async (_, take) => {
    const { writer, stateOf } = await start();
    expect(await take(writer.observed(1, of(5)))).toBe(5);
    expect(await stateOf(1)).toBe('stale');
  });

  it('does nothing when it fails, or when it is unsubscribed before it completes', async () => {
    const { writer, stateOf } = await start();
    const failing = writer.observed(
      1,
      throwError(() => new Error('failed')),
    );
    await expect(lastValueFrom(failing)).rejects.toThrow('failed');
    writer
      .observed(1, new Observable((subscriber) => subscriber.next(1)))
      .subscribe()
      .unsubscribe();
    await Promise.resolve();
    expect(await stateOf(1)).toBe('fresh');
  });
});

describe('@InvalidatesTags', () => {
  it('makes every entry with the tag stale, or removes it', async () => {
    const { writer, stateOf } = await start();
    await writer.tag(2);
    expect([await stateOf(1), await stateOf(2)]).toEqual(['fresh', 'stale']);
    await writer.untag();
    expect([await stateOf(1), await stateOf(2)]).toEqual([undefined, 'stale']);
  });
});

describe('several decorators on one method', () => {
  const Marked = SetMetadata('mark', 'kept');

  @Injectable()
  class Above {
    fetched = 0;
    @Marked
    @Invalidates(PriceService, 'price', ({ args: [id] }) => [id])
    @InvalidatesTags(['price:2'])
    @AsyncCached(60)
    async both(id: number): Promise<number> {
      this.fetched++;
      return id;
    }
  }

  @Injectable()
  class Below {
    fetched = 0;
    @AsyncCached(60)
    @InvalidatesTags(['price:2'])
    @Invalidates(PriceService, 'price', ({ args: [id] }) => [id])
    @Marked
    async both(id: number): Promise<number> {
      this.fetched++;
      return id;
    }
  }

  it.each([
    ['@AsyncCached lowest', Above],
    ['@AsyncCached highest', Below],
  ])('each does its work, and metadata of others survives: %s', async (_, Both) => {
    const { app, cache } = await startApp({ providers: [PriceService, Both] });
    const prices = app.get(PriceService);
    await prices.price(1);
    await prices.price(2);
    const both = app.get<Above | Below>(Both);
    expect([await both.both(1), await both.both(1)]).toEqual([1, 1]);
    expect(both.fetched).toBe(1);
    const job = cache.of(PriceService, 'price');
    expect([(await job.peek(1))?.status, (await job.peek(2))?.status]).toEqual(['stale', 'stale']);
    expect(Reflect.getMetadata('mark', both.both)).toBe('kept');
    expect(both.both.name).toBe('both');
  });
});

describe('a mistake', () => {
  it('is an error at start-up where the method named is not decorated', async () => {
    @Injectable()
    class Plain {
      async read(id: number): Promise<number> {
        return id;
      }
    }
    @Injectable()
    class Wrong {
      @Invalidates(Plain, 'read')
      async write(): Promise<void> {}
    }
    const failure = await startFailure({ providers: [Plain, Wrong] });
    expect(failure.message).toContain('Plain.read is not decorated. Put @AsyncCached on it');
  });

  it('is an error at start-up where a function returns no class', async () => {
    @Injectable()
    class Wrong {
      @Invalidates((() => undefined) as unknown as () => typeof PriceService, 'price')
      async write(): Promise<void> {}
    }
    const failure = await startFailure({ providers: [Wrong] });
    expect(failure.message).toContain('@Invalidates of Wrong.write names undefined, which is not a class');
  });

  it('is an error where a decorator stands on no method', () => {
    expect(() => Invalidates(PriceService, 'price')(PriceService, 'write', {})).toThrow(
      '@Invalidates stands on PriceService.write, which is no method of an instance',
    );
  });

  it('without the module the method writes, and the decorator says once that it does nothing', async () => {
    const { Logger } = await import('@nestjs/common');
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const prices = new PriceService();
    const writer = new Writer(prices);
    expect(await writer.setPrice(1, 12)).toEqual({ id: 1 });
    await writer.setPrice(1, 13);
    expect(prices.prices.get(1)).toBe(13);
    expect(warn.mock.calls.map(([text]) => String(text))).toEqual([
      expect.stringContaining('@Invalidates of Writer.setPrice does nothing: its module does not see AsyncCacheModule'),
    ]);
    warn.mockRestore();
  });
});
