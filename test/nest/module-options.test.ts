import { Injectable, Module } from '@nestjs/common';
import {
  AsyncCached,
  AsyncCacheJob,
  AsyncCacheModule,
  type AsyncCacheOptions,
  ConfigurationError,
  type JobOptions,
} from 'nestjs-async-cache';
import { describe, expect, it } from 'vitest';
import { MINUTE, startApp, startFailure } from './support/start-app.js';

@Injectable()
class Service {
  runs = 0;
  @AsyncCached()
  async load(): Promise<number> {
    return ++this.runs;
  }
}

/** The ttl that the start-up log shows. */
const ttlOf = (log: { own: (level: string) => string[] }) =>
  /Service\.load: fresh for (\w+)/.exec(log.own('log').join('\n'))?.[1];

it('the start-up log has a line for each job, with its times', async () => {
  @Injectable()
  class Timed {
    @AsyncCached({ ttl: 90, grace: '1d' })
    async constant(): Promise<void> {}
    @AsyncCached({ ttl: () => 5, grace: 0 })
    async computed(): Promise<void> {}
  }
  const { log } = await startApp({ providers: [Timed] });
  expect(log.own('log')).toEqual([
    expect.stringMatching(/^Timed\.constant: fresh for 1m 30s, served stale for 1d more/),
    expect.stringMatching(/^Timed\.computed: fresh for as computed|^Timed\.computed: .*never served stale/),
  ]);
});

describe('forRoot', () => {
  it('needs no options', async () => {
    const { app, log } = await startApp({ cacheModule: AsyncCacheModule.forRoot(), providers: [Service] });
    expect([await app.get(Service).load(), await app.get(Service).load()]).toEqual([1, 1]);
    expect(ttlOf(log)).toBe('10m');
  });

  it('defaults hold where a job says nothing', async () => {
    @Injectable()
    class Own {
      @AsyncCached({ ttl: '3m' })
      async load(): Promise<void> {}
      @AsyncCached({ ttl: undefined as unknown as number })
      async unset(): Promise<void> {}
    }
    const { log } = await startApp({ options: { defaults: { ttl: '2m' } }, providers: [Service, Own] });
    expect(ttlOf(log)).toBe('2m');
    expect(log.own('log')[1]).toContain('Own.load: fresh for 3m');
    expect(log.own('log')[2]).toContain('Own.unset: fresh for 2m');
  });

  it('defaults may be functions', async () => {
    const ttl = (_value: unknown, ...args: readonly unknown[]) => Number(args[0]);
    @Injectable()
    class ByArgument {
      @AsyncCached()
      async load(seconds: number): Promise<number> {
        return seconds;
      }
    }
    const { app, cache, pass } = await startApp({ options: { defaults: { ttl } }, providers: [ByArgument] });
    for (const seconds of [10, 100]) await app.get(ByArgument).load(seconds);
    await pass(MINUTE);
    const job = cache.of(ByArgument, 'load');
    expect([(await job.peek(10))?.status, (await job.peek(100))?.status]).toEqual(['stale', 'fresh']);
  });
});

describe('enabled: false', () => {
  class Off extends AsyncCacheJob implements JobOptions<[id: number], string> {
    runs = 0;
    prepareArgs(id: number): [number] {
      return [Math.abs(id)];
    }
    processResult(value: string): string {
      return `<${value}>`;
    }
    async fetch(id: number): Promise<string> {
      return `${id} ${++this.runs}`;
    }
  }

  it('makes every read a fetch, and says so', async () => {
    const { app, cache, log } = await startApp({ options: { enabled: false }, providers: [Service, Off] });
    expect([await app.get(Service).load(), await app.get(Service).load()]).toEqual([1, 2]);
    expect(log.own('log')).toEqual(['Switched off (enabled: false): every read is a fetch']);
    expect(log.own('warn')).toEqual([]);
    const job = cache.of(Service, 'load');
    await job.set([], 99);
    expect(await job.peek()).toBe(undefined);
    expect(await job.read()).toMatchObject({ value: 3, status: 'miss' });
    expect(cache.jobs().map(({ name }) => name)).toEqual(['Service.load', 'Off']);
    await cache.invalidateTags('any');
    await cache.clear();
  });

  it('changes nothing about what a read gives', async () => {
    const { app } = await startApp({ options: { enabled: false }, providers: [Off] });
    expect(await app.get(Off).get(-5)).toBe('<5 1>');
  });

  it('does not let mistakes pass', async () => {
    class Wrong extends AsyncCacheJob {
      ttl = 'soon';
      async fetch(): Promise<void> {}
    }
    const { message } = await startFailure({ options: { enabled: false }, providers: [Wrong] });
    expect(message).toContain(`ttl of Wrong is 'soon'`);
  });
});

describe('forRootAsync', () => {
  @Injectable()
  class Config {
    readonly ttl = '4m';
  }
  @Module({ providers: [Config], exports: [Config] })
  class ConfigModule {}
  @Injectable()
  class OptionsFactory {
    constructor(private readonly config: Config) {}
    createAsyncCacheOptions(): AsyncCacheOptions {
      return { defaults: { ttl: this.config.ttl } };
    }
  }
  @Module({ imports: [ConfigModule], providers: [OptionsFactory], exports: [OptionsFactory] })
  class OptionsModule {}

  it.each([
    [
      'useFactory',
      AsyncCacheModule.forRootAsync({
        imports: [ConfigModule],
        inject: [Config],
        useFactory: (config: Config) => ({ defaults: { ttl: config.ttl } }),
      }),
    ],
    [
      'an asynchronous useFactory',
      AsyncCacheModule.forRootAsync({ useFactory: async () => ({ defaults: { ttl: '4m' as const } }) }),
    ],
    ['useClass', AsyncCacheModule.forRootAsync({ imports: [ConfigModule], useClass: OptionsFactory })],
    ['useExisting', AsyncCacheModule.forRootAsync({ imports: [OptionsModule], useExisting: OptionsFactory })],
  ])('%s', async (_, cacheModule) => {
    const { app, log } = await startApp({ cacheModule, providers: [Service] });
    expect(ttlOf(log)).toBe('4m');
    expect([await app.get(Service).load(), await app.get(Service).load()]).toEqual([1, 1]);
  });

  it('takes isGlobal: false beside it', async () => {
    const cacheModule = AsyncCacheModule.forRootAsync({ isGlobal: false, useFactory: () => ({}) });
    const { app } = await startApp({ cacheModule, providers: [Service] });
    expect([await app.get(Service).load(), await app.get(Service).load()]).toEqual([1, 1]);
  });

  it.each([
    [{ isGlobal: false }, /has an option 'isGlobal'.*beside useFactory/],
    [{ defaults: { ttl: -1 } }, /ttl of defaults of forRoot is -1, which is negative/],
  ])('refuses %o from a factory', async (options, message) => {
    const cacheModule = AsyncCacheModule.forRootAsync({ useFactory: () => options as AsyncCacheOptions });
    const failure = await startFailure({ cacheModule });
    expect(failure.message).toMatch(message);
    expect(failure).toBeInstanceOf(ConfigurationError);
  });
});

it('forRootAsync refuses undefined from a factory', async () => {
  const cacheModule = AsyncCacheModule.forRootAsync({ useFactory: () => undefined as never });
  const { message } = await startFailure({ cacheModule });
  expect(message).toContain('The options of forRoot are undefined');
});

describe('refused at start-up, with job, option and value', () => {
  const wrong = (options: object) => {
    @Injectable()
    class Wrong {
      @AsyncCached(options as JobOptions)
      async load(): Promise<void> {}
    }
    return startFailure({ providers: [Wrong] });
  };

  it.each([
    [{ ttl: '5 minutes' }, `ttl of Wrong.load is '5 minutes', which is not a duration`],
    [{ ttl: -5 }, 'ttl of Wrong.load is -5, which is negative'],
    [{ ttl: Number.NaN }, 'ttl of Wrong.load is NaN'],
    [{ grace: 'x' }, `grace of Wrong.load is 'x'`],
    [{ refreshTimeout: 0 }, 'refreshTimeout of Wrong.load is 0'],
    [{ jitter: 2 }, 'jitter of Wrong.load is 2'],
    [{ tll: 60 }, `Wrong.load has an option 'tll', which does not exist. The options are: name, ttl`],
    [{ store: 'nowhere' }, `Wrong.load wants the store 'nowhere', which is not configured (named stores: none)`],
    [{ name: '' }, 'Wrong has the name ""'],
  ])('%o', async (options, message) => {
    const failure = await wrong(options);
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect(failure.message).toContain(message);
  });

  it('two methods of one class with one name', async () => {
    @Injectable()
    class Twins {
      @AsyncCached({ name: 'twin' })
      async one(): Promise<void> {}
      @AsyncCached({ name: 'twin' })
      async other(): Promise<void> {}
    }
    const { message } = await startFailure({ providers: [Twins] });
    expect(message).toBe(
      'Two jobs have the name twin: Twins.one and Twins.other. Give one of them a name of its own with the option `name`',
    );
  });

  it('two classes of one name', async () => {
    const make = () => {
      @Injectable()
      class Users {
        @AsyncCached(60)
        async find(): Promise<void> {}
      }
      return Users;
    };
    const { message } = await startFailure({
      providers: [
        { provide: 'one', useClass: make() },
        { provide: 'other', useClass: make() },
      ],
    });
    expect(message).toContain('Two jobs have the name Users.find');
  });

  it('a job class and a method with one name', async () => {
    class Users extends AsyncCacheJob {
      name = 'Service.load';
      async fetch(): Promise<void> {}
    }
    const { message } = await startFailure({ providers: [Service, Users] });
    expect(message).toContain('Two jobs have the name Service.load: Service.load and Users');
  });
});
