import { AsyncCached, AsyncCacheJob, Invalidates, InvalidatesTags, type Write } from 'nestjs-async-cache';
import { type Observable, of } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';

class Prices {
  @AsyncCached(60)
  async price(id: number): Promise<number> {
    return id;
  }

  plain(id: number): string {
    return String(id);
  }
}

class Tweets extends AsyncCacheJob {
  async fetch(username: string): Promise<string[]> {
    return [username];
  }
}

describe('@Invalidates', () => {
  it('takes the arguments of the read from the write', () => {
    class Writer {
      @Invalidates(Prices, 'price', ({ args: [id] }) => [id])
      async one(id: number): Promise<void> {
        void id;
      }
      @Invalidates(() => Prices, 'price', ({ args: [id], result }: Write<[number], { id: number }>) => [id + result.id])
      async typed(id: number): Promise<{ id: number }> {
        return { id };
      }
      @Invalidates(Tweets, ({ result }) => [result.username], { delete: true })
      observed(): Observable<{ username: string }> {
        return of({ username: 'bob' });
      }
      @Invalidates(Prices, 'price')
      @Invalidates(Prices, 'price', { delete: true })
      @Invalidates(Tweets)
      @Invalidates(Tweets, { delete: true })
      async all(): Promise<void> {}
    }
    expectTypeOf<Writer['typed']>().toEqualTypeOf<(id: number) => Promise<{ id: number }>>();
  });

  it('refuses what does not fit', () => {
    class Writer {
      // @ts-expect-error a string is no argument of the read
      @Invalidates(Prices, 'price', () => ['1'])
      async wrongArgument(): Promise<void> {}
      // @ts-expect-error too few arguments for the read
      @Invalidates(Prices, 'price', () => [])
      async noArgument(): Promise<void> {}
      // @ts-expect-error there is no such method
      @Invalidates(Prices, 'prize')
      async misspelt(): Promise<void> {}
      // @ts-expect-error a method that returns no Promise is not cached
      @Invalidates(Prices, 'plain')
      async plain(): Promise<void> {}
      // @ts-expect-error the write is called with a number
      @Invalidates(Prices, 'price', ({ args: [id] }: Write<[string], unknown>) => [Number(id)])
      async otherArguments(id: number): Promise<void> {
        void id;
      }
      // @ts-expect-error the write returns nothing
      @Invalidates(Prices, 'price', ({ result }: Write<[], { id: number }>) => [result.id])
      async otherResult(): Promise<void> {}
      // @ts-expect-error a job's arguments are those of its fetch
      @Invalidates(Tweets, () => [1])
      async job(): Promise<void> {}
      // @ts-expect-error a write that returns neither Promise nor Observable has no end
      @Invalidates(Prices, 'price')
      sync(): string {
        return '';
      }
    }
    expectTypeOf<Writer>().not.toBeAny();
  });
});

describe('@InvalidatesTags', () => {
  it('takes tags, or a function of the write', () => {
    class Writer {
      @InvalidatesTags(['all'])
      @InvalidatesTags(({ args: [id] }) => [`user:${String(id)}`])
      @InvalidatesTags(({ args: [id] }: Write<[number], unknown>) => [id.toFixed()], { delete: true })
      async write(id: number): Promise<void> {
        void id;
      }
      // @ts-expect-error tags are strings
      @InvalidatesTags(() => [1])
      async wrong(): Promise<void> {}
    }
    expectTypeOf<Writer>().not.toBeAny();
  });
});
