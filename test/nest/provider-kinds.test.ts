import { type CanActivate, Controller, Get, Inject, Injectable, Module, Scope, UseGuards } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { AsyncCache, AsyncCached, AsyncCacheJob, AsyncCacheModule } from 'nestjs-async-cache';
import { describe, expect, it } from 'vitest';
import { compileApp, MINUTE, startApp, startFailure, startHttpApp } from './support/start-app.js';

abstract class Repository {
  abstract find(id: number): Promise<string>;
}

@Injectable()
class SqlRepository extends Repository {
  runs = 0;
  constructor(@Inject('URL') readonly url: string) {
    super();
  }
  @AsyncCached(60)
  async find(id: number): Promise<string> {
    return `${this.url} ${id} ${++this.runs}`;
  }
}

const URL_PROVIDER = { provide: 'URL', useValue: 'sql:' };

/** A read, a stale read, its background refresh, and a read of the result. */
async function readTwice(repository: Repository, pass: (ms: number) => Promise<void>): Promise<string[]> {
  const reads = [await repository.find(1), await repository.find(1)];
  await pass(MINUTE + 1);
  reads.push(await repository.find(1));
  await pass(0);
  reads.push(await repository.find(1));
  return reads;
}

const CACHED = ['sql: 1 1', 'sql: 1 1', 'sql: 1 1', 'sql: 1 2'];

describe('a decorated class is read from the cache and refreshed when it is provided as', () => {
  it.each([
    ['itself', { provide: SqlRepository, useClass: SqlRepository }],
    ['an abstract class', { provide: Repository, useClass: SqlRepository }],
    ['a string', { provide: 'REPO', useClass: SqlRepository }],
    ['a factory', { provide: 'REPO', inject: ['URL'], useFactory: (url: string) => new SqlRepository(url) }],
    ['an asynchronous factory', { provide: Repository, useFactory: async () => new SqlRepository('sql:') }],
    ['a value', { provide: Repository, useValue: new SqlRepository('sql:') }],
  ])('%s', async (_, provider) => {
    const { app, log, pass } = await startApp({ providers: [URL_PROVIDER, provider] });
    expect(await readTwice(app.get<Repository>(provider.provide), pass)).toEqual(CACHED);
    expect(log.own('warn')).toEqual([]);
  });

  it('an alias', async () => {
    const { app, pass } = await startApp({
      providers: [URL_PROVIDER, SqlRepository, { provide: Repository, useExisting: SqlRepository }],
    });
    expect(await readTwice(app.get(Repository), pass)).toEqual(CACHED);
  });

  it('a transient factory', async () => {
    class Consumer {
      constructor(readonly repository: Repository) {}
    }
    const { app, log, pass } = await startApp({
      providers: [
        URL_PROVIDER,
        { provide: 'REPO', scope: Scope.TRANSIENT, useFactory: () => new SqlRepository('sql:') },
        { provide: Consumer, inject: ['REPO'], useFactory: (repository: Repository) => new Consumer(repository) },
      ],
    });
    const { repository } = app.get(Consumer);
    expect(await readTwice(repository, pass)).toEqual(['sql: 1 1', 'sql: 1 1', 'sql: 1 1', 'sql: 1 1']);
    expect(log.own('warn')).toEqual([]);
  });

  it('something that is overridden in a test', async () => {
    const { app } = await compileApp({ providers: [URL_PROVIDER, SqlRepository] });
    await app.close();
    const value = new SqlRepository('mock:');
    const started = await startApp({ providers: [{ provide: SqlRepository, useValue: value }] });
    expect(await started.app.get(SqlRepository).find(1)).toBe('mock: 1 1');
    expect(await started.app.get(SqlRepository).find(1)).toBe('mock: 1 1');
  });

  it('something that moduleRef.create() makes', async () => {
    @Injectable()
    class Maker {
      constructor(readonly moduleRef: ModuleRef) {}
    }
    const { app, log, pass } = await startApp({ providers: [URL_PROVIDER, Maker] });
    const repository = await app.get(Maker).moduleRef.create(SqlRepository);
    expect(await readTwice(repository, pass)).toEqual(CACHED);
    expect(log.own('error')).toEqual([]);
  });
});

it('of a request-scoped factory it runs uncached, and says so', async () => {
  const { app, log } = await startApp({
    providers: [{ provide: Repository, scope: Scope.REQUEST, useFactory: () => new SqlRepository('sql:') }],
  });
  const repository = await app.resolve(Repository);
  expect([await repository.find(1), await repository.find(1), await repository.find(1)]).toEqual([
    'sql: 1 1',
    'sql: 1 2',
    'sql: 1 3',
  ]);
  expect(log.own('warn')).toEqual([
    expect.stringMatching(/^SqlRepository\.find runs uncached: .*request-scoped useFactory/),
  ]);
});

describe('two instances of one class that factories made', () => {
  const factory = (provide: string) => ({ provide, useFactory: () => new SqlRepository(provide) });

  it('are refused: they would share their entries', async () => {
    const { message } = await startFailure({ providers: [factory('one'), factory('two')] });
    expect(message).toMatch(
      /two different instances of SqlRepository \(one as two\).*share the entries of SqlRepository\.find/,
    );
  });

  it('unless the one is an alias of the other', async () => {
    await startApp({ providers: [factory('one'), { provide: 'two', useExisting: 'one' }] });
  });

  it('and job classes unless they have names of their own', async () => {
    class Rows extends AsyncCacheJob {
      readonly name: string;
      runs = 0;
      constructor(private readonly model: string) {
        super();
        this.name = `Rows.${model}`;
      }
      async fetch(id: number): Promise<string> {
        return `${this.model} ${id} ${++this.runs}`;
      }
    }
    const rows = (model: string) => ({ provide: model, useFactory: () => new Rows(model) });
    const { app, cache, pass } = await startApp({
      providers: [rows('user'), rows('tweet')],
      options: { defaults: { ttl: 60 } },
    });
    const [users, tweets] = [app.get<Rows>('user'), app.get<Rows>('tweet')];
    expect([await users.get(1), await tweets.get(1)]).toEqual(['user 1 1', 'tweet 1 1']);
    await pass(MINUTE + 1);
    await Promise.all([users.get(1), tweets.get(1)]);
    await pass(0);
    expect([await users.get(1), await tweets.get(1)]).toEqual(['user 1 2', 'tweet 1 2']);
    expect(cache.jobs().map(({ name }) => name)).toEqual(['Rows.user', 'Rows.tweet']);
  });
});

describe('a value that is provided in one application after another', () => {
  it('belongs to the last', async () => {
    const value = new SqlRepository('sql:');
    const provider = { provide: Repository, useValue: value };
    for (const expected of ['sql: 1 1', 'sql: 1 2']) {
      const { app } = await startApp({ providers: [provider] });
      expect(await app.get(Repository).find(1)).toBe(expected);
      expect(await app.get(Repository).find(1)).toBe(expected);
      await app.close();
    }
  });
});

it('one token for two classes in two modules: each is refreshed with its own', async () => {
  const runs = { One: 0, Two: 0 };
  @Injectable({ scope: Scope.REQUEST })
  class One {
    @AsyncCached(60)
    async load(): Promise<string> {
      return `One ${++runs.One}`;
    }
  }
  @Injectable({ scope: Scope.REQUEST })
  class Two {
    @AsyncCached(60)
    async load(): Promise<string> {
      return `Two ${++runs.Two}`;
    }
  }
  @Module({ providers: [{ provide: 'REPO', useClass: One }] })
  class FirstModule {}
  @Module({ providers: [{ provide: 'REPO', useClass: Two }] })
  class SecondModule {}
  const { app, cache, pass } = await startApp({ imports: [FirstModule, SecondModule] });
  for (const [module, value] of [
    [FirstModule, 'One 1'],
    [SecondModule, 'Two 1'],
  ] as const) {
    const instance = await app.select(module).resolve<One | Two>('REPO', undefined, { strict: true });
    expect(await instance.load()).toBe(value);
  }
  await pass(MINUTE + 1);
  for (const job of cache.jobs()) await job.get();
  await pass(0);
  expect(await Promise.all(cache.jobs().map((job) => job.get()))).toEqual(['One 2', 'Two 2']);
});

it('guards and their like are refreshed, too', async () => {
  @Injectable()
  class Users {
    runs = 0;
  }
  @Injectable()
  class Guard implements CanActivate {
    constructor(readonly users: Users) {}
    @AsyncCached(60)
    async user(id: number): Promise<string> {
      return `${id} ${++this.users.runs}`;
    }
    async canActivate(): Promise<boolean> {
      await this.user(1);
      return true;
    }
  }
  @Controller()
  class Root {
    @Get()
    @UseGuards(Guard)
    get(): string {
      return 'ok';
    }
  }
  const { url, http, log, pass } = await startHttpApp({ providers: [Users], controllers: [Root] });
  for (const ms of [0, MINUTE + 1, 0]) {
    await pass(ms);
    expect(await (await fetch(url)).text()).toBe('ok');
  }
  await pass(0);
  expect(http.get(Users).runs).toBe(2);
  expect(log.own('error')).toEqual([]);
});

describe('isGlobal: false', () => {
  @Injectable()
  class Seeing {
    runs = 0;
    @AsyncCached(60)
    async load(): Promise<number> {
      return ++this.runs;
    }
  }
  @Injectable()
  class Blind extends Seeing {}
  @Injectable({ scope: Scope.REQUEST })
  class BlindPerRequest extends Seeing {}
  const made = { provide: 'made', useFactory: () => new (class Made extends Seeing {})() };

  it('caches in the modules that import it, and in no other', async () => {
    const cacheModule = AsyncCacheModule.forRoot({ isGlobal: false });
    @Module({ imports: [cacheModule], providers: [Seeing], exports: [cacheModule] })
    class Importing {}
    class Reexported extends Seeing {}
    @Module({ imports: [Importing], providers: [Reexported, { ...made, provide: 'seeing' }] })
    class Again {}
    @Module({ providers: [Blind, BlindPerRequest, made] })
    class Other {}
    const { app, log } = await startApp({ cacheModule: Again, imports: [Other] });
    const twice = async (instance: Seeing) => [await instance.load(), await instance.load()];
    expect(await twice(app.get(Seeing))).toEqual([1, 1]);
    expect(await twice(app.get(Reexported, { strict: false }))).toEqual([1, 1]);
    expect(await twice(app.get('seeing', { strict: false }))).toEqual([1, 1]);
    expect(log.own('warn')).toEqual([]);
    expect(await twice(app.get(Blind, { strict: false }))).toEqual([1, 2]);
    expect(await twice(app.get('made', { strict: false }))).toEqual([1, 2]);
    expect(await twice(await app.resolve(BlindPerRequest, undefined, { strict: false }))).toEqual([1, 2]);
    expect(log.own('warn').length).toBe(1);
  });

  it('two of them in one application share nothing', async () => {
    const feature = (name: string) => {
      class Service extends Seeing {}
      @Module({
        imports: [AsyncCacheModule.forRoot({ isGlobal: false })],
        providers: [Service, { provide: name, useExisting: AsyncCache }],
      })
      class Feature {}
      return { Service, Feature };
    };
    const [one, two] = [feature('one'), feature('two')];
    const { app } = await startApp({ cacheModule: one.Feature, imports: [two.Feature] });
    await app.get(one.Service, { strict: false }).load();
    expect(app.get<AsyncCache>('one', { strict: false }).stats().misses).toBe(1);
    expect(app.get<AsyncCache>('two', { strict: false }).stats().misses).toBe(0);
    expect(app.get<AsyncCache>('two', { strict: false }).jobs()).toHaveLength(1);
  });

  it('and two global ones are refused', async () => {
    @Module({ imports: [AsyncCacheModule.forRoot()] })
    class Feature {}
    const { message } = await startFailure({ imports: [Feature] });
    expect(message).toMatch(/AsyncCacheModule is imported twice as a global module/);
  });
});
