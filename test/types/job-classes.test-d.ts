import {
  AsyncCacheJob,
  type Duration,
  type Job,
  type JobArguments,
  type JobOptions,
  type JobValue,
  type Peeked,
  type Reading,
  type WarmProgress,
} from 'nestjs-async-cache';
import { describe, expectTypeOf, it } from 'vitest';

interface Tweet {
  text: string;
}

class UserTweets extends AsyncCacheJob {
  ttl = 60;
  async fetch(username: string, limit?: number): Promise<Tweet[]> {
    return [{ text: `${username} ${limit ?? 0}` }];
  }
}

declare const tweets: UserTweets;

describe('the calls of a job class are typed from fetch', () => {
  it('get, refresh', () => {
    expectTypeOf(tweets.get).toEqualTypeOf<(username: string, limit?: number) => Promise<Tweet[]>>();
    expectTypeOf(tweets.refresh).toEqualTypeOf<(username: string, limit?: number) => Promise<Tweet[]>>();
    expectTypeOf(tweets.get('bob')).resolves.toEqualTypeOf<Tweet[]>();
    // @ts-expect-error a number is no name
    void tweets.get(1);
    // @ts-expect-error a name is needed
    void tweets.get();
    // @ts-expect-error one too many
    void tweets.get('bob', 1, 2);
  });

  it('read, peek', () => {
    expectTypeOf(tweets.read('bob')).resolves.toEqualTypeOf<Reading<Tweet[]>>();
    expectTypeOf(tweets.peek('bob')).resolves.toEqualTypeOf<Peeked<Tweet[]> | undefined>();
    expectTypeOf<Reading<Tweet[]>['status']>().toEqualTypeOf<'hit' | 'stale' | 'miss'>();
  });

  it('set', () => {
    expectTypeOf(tweets.set(['bob'], [{ text: '' }], { ttl: '1h', tags: ['a'] })).resolves.toBeVoid();
    // @ts-expect-error not a list of tweets
    void tweets.set(['bob'], ['text']);
    // @ts-expect-error a list of arguments
    void tweets.set('bob', []);
    // @ts-expect-error not a duration
    void tweets.set(['bob'], [], { ttl: '5 minutes' });
  });

  it('getMany, warm', () => {
    expectTypeOf(tweets.getMany([['bob'], ['ann', 5]])).resolves.toEqualTypeOf<Tweet[][]>();
    expectTypeOf(tweets.warm([['bob']], { concurrency: 2 })).resolves.toEqualTypeOf<WarmProgress>();
    // @ts-expect-error lists of arguments
    void tweets.getMany(['bob']);
  });

  it('invalidate, delete', () => {
    expectTypeOf(tweets.invalidate('bob')).resolves.toBeVoid();
    expectTypeOf(tweets.delete('bob')).resolves.toEqualTypeOf<boolean>();
    // @ts-expect-error a number is no name
    void tweets.invalidate(1);
  });

  it('JobArguments, JobValue', () => {
    expectTypeOf<JobArguments<UserTweets>>().toEqualTypeOf<[username: string, limit?: number | undefined]>();
    expectTypeOf<JobValue<UserTweets>>().toEqualTypeOf<Tweet[]>();
  });

  it('without any', () => {
    expectTypeOf(tweets.get('bob')).resolves.not.toBeAny();
    expectTypeOf(tweets.read('bob')).resolves.toHaveProperty('value').not.toBeAny();
    expectTypeOf<AsyncCacheJob['get']>().returns.resolves.toBeUnknown();
    expectTypeOf<Job['get']>().returns.resolves.toBeUnknown();
  });

  it('a subclass of a subclass has its own', () => {
    class Long extends UserTweets {
      override async fetch(username: string): Promise<(Tweet & { likes: number })[]> {
        return [{ text: username, likes: 0 }];
      }
    }
    expectTypeOf<Long['get']>().toEqualTypeOf<(username: string) => Promise<(Tweet & { likes: number })[]>>();
  });

  it('fetch without arguments', () => {
    class Now extends AsyncCacheJob {
      async fetch(): Promise<Date> {
        return new Date();
      }
    }
    expectTypeOf<Now['get']>().toEqualTypeOf<() => Promise<Date>>();
  });
});

describe('options', () => {
  it('are attributes of any form', () => {
    class Forms extends AsyncCacheJob {
      name = 'forms';
      ttl = '10m';
      grace = 5;
      fetchOnMiss = false;
      backoff = { initial: 1, max: '5m' };
      tags = ['a'];
      async fetch(): Promise<number> {
        return 1;
      }
    }
    expectTypeOf<Forms['get']>().returns.resolves.toEqualTypeOf<number>();
  });

  it('are methods, with more arguments than fetch has or fewer', () => {
    class Methods extends AsyncCacheJob {
      ttl(value: Tweet[], username: string) {
        return value.length + username.length;
      }
      tags(_value: Tweet[], username: string) {
        return [username];
      }
      key(username: string) {
        return username;
      }
      onError() {
        return 'delete' as const;
      }
      async fetch(username: string): Promise<Tweet[]> {
        return [{ text: username }];
      }
    }
    expectTypeOf<Methods['get']>().toEqualTypeOf<(username: string) => Promise<Tweet[]>>();
  });

  it('are checked when the class says so', () => {
    class Checked extends AsyncCacheJob implements JobOptions<[username: string], Tweet[]> {
      readonly ttl = '10m';
      grace: Duration = '1d';
      jitter = 0.1;
      tags(value: Tweet[], username: string) {
        return [username, ...value.map(({ text }) => text)];
      }
      async fetch(username: string): Promise<Tweet[]> {
        return [{ text: username }];
      }
    }
    expectTypeOf<Checked['get']>().toEqualTypeOf<(username: string) => Promise<Tweet[]>>();

    class WrongTtl extends AsyncCacheJob implements JobOptions {
      // @ts-expect-error not a duration
      readonly ttl = '5 minutes';
      async fetch(): Promise<void> {}
    }
    class WrongTags extends AsyncCacheJob implements JobOptions<[id: number], string> {
      // @ts-expect-error the value is a string
      tags(value: Tweet[]) {
        return value.map(({ text }) => text);
      }
      async fetch(id: number): Promise<string> {
        return String(id);
      }
    }
    expectTypeOf<WrongTtl | WrongTags>().not.toBeAny();
  });
});

it('any job class is an AsyncCacheJob', () => {
  const jobs: AsyncCacheJob[] = [tweets];
  expectTypeOf<UserTweets>().toExtend<AsyncCacheJob>();
  expectTypeOf(jobs[0]!.get('bob')).resolves.toBeUnknown();
});

it('fetch is needed', () => {
  // @ts-expect-error fetch is abstract
  class Missing extends AsyncCacheJob {}
  expectTypeOf<Missing>().not.toBeAny();
});

it('fetch returns a Promise', () => {
  class Synchronous extends AsyncCacheJob {
    // @ts-expect-error a string is no Promise
    fetch(): string {
      return '';
    }
  }
  expectTypeOf<Synchronous>().not.toBeAny();
});

it('a job can call itself: as the class that it is in, since a subclass may have another fetch', () => {
  class Posting extends AsyncCacheJob {
    async fetch(username: string): Promise<Tweet[]> {
      return [{ text: username }];
    }
    async post(username: string): Promise<number> {
      await (this as Posting).invalidate(username);
      const posted = await (this as Posting).get(username);
      return posted.length;
    }
  }
  expectTypeOf<Posting['post']>().returns.resolves.toBeNumber();
});
