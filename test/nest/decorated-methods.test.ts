import { Inject, Injectable, Logger, Module, Scope, SetMetadata } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, REQUEST } from '@nestjs/core';
import { AsyncCached, ConfigurationError } from 'nestjs-async-cache';
import { concat, delay, EMPTY, firstValueFrom, isObservable, lastValueFrom, Observable, of } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { MINUTE, startApp } from './support/start-app.js';

describe('a decorated method that returns a Promise', () => {
  @Injectable()
  class Reports {
    runs = 0;

    @AsyncCached(60)
    async sales(region: string): Promise<string> {
      return `${region} ${++this.runs}`;
    }

    @AsyncCached('1m')
    later(region: string): Promise<string> {
      return Promise.resolve(`${region} ${++this.runs}`);
    }
  }

  it('is read from the cache, and refreshed in the background when it is stale', async () => {
    const { app, pass } = await startApp({ providers: [Reports] });
    const reports = app.get(Reports);
    expect(await reports.sales('eu')).toBe('eu 1');
    expect(await reports.sales('eu')).toBe('eu 1');
    expect(await reports.sales('us')).toBe('us 2');
    await pass(MINUTE + 1);
    expect(await reports.sales('eu')).toBe('eu 1');
    await pass(0);
    expect(await reports.sales('eu')).toBe('eu 3');
  });

  it('may be two of one class', async () => {
    const { app } = await startApp({ providers: [Reports] });
    const reports = app.get(Reports);
    expect([await reports.sales('eu'), await reports.later('eu'), await reports.sales('eu')]).toEqual([
      'eu 1',
      'eu 2',
      'eu 1',
    ]);
  });

  it('gives a Promise and nothing else', () => {
    expect(new Reports().later('eu')).toBeInstanceOf(Promise);
  });

  it('keeps its name and length', () => {
    const { sales } = Reports.prototype;
    expect([sales.name, sales.length]).toEqual(['sales', 1]);
  });

  it('rejects with the original error, and the next call fetches again', async () => {
    const failure = new Error('down');
    @Injectable()
    class Failing {
      runs = 0;
      @AsyncCached(60)
      async load(): Promise<number> {
        if (++this.runs === 1) throw failure;
        return this.runs;
      }
    }
    const { app } = await startApp({ providers: [Failing] });
    await expect(app.get(Failing).load()).rejects.toBe(failure);
    expect(await app.get(Failing).load()).toBe(2);
  });
});

describe('a decorated method that returns an Observable', () => {
  @Injectable()
  class Streams {
    runs = 0;

    @AsyncCached(60)
    declared(id: string): Observable<string> {
      return of('first', `${id} ${++this.runs}`);
    }

    @AsyncCached(60)
    undeclared(id: string) {
      return of('first', `${id} ${++this.runs}`).pipe(delay(1));
    }

    @AsyncCached(60)
    none(): Observable<never> {
      this.runs++;
      return EMPTY;
    }
  }

  it('gives an Observable of the last value; each subscription is one read', async () => {
    const { app, cache, pass } = await startApp({ providers: [Streams] });
    const streams = app.get(Streams);
    const observable = streams.declared('a');
    expect(isObservable(observable)).toBe(true);
    expect(streams.runs).toBe(0);
    expect(await lastValueFrom(observable)).toBe('a 1');
    expect(await lastValueFrom(observable)).toBe('a 1');
    await pass(MINUTE + 1);
    await firstValueFrom(observable);
    await pass(0);
    expect(await firstValueFrom(observable)).toBe('a 2');
    const { hits, stale, misses } = cache.stats();
    expect({ hits, stale, misses }).toEqual({ hits: 2, stale: 1, misses: 1 });
  });

  it('whose return type the compiler did not write down is both, from the first call on', async () => {
    const { app } = await startApp({ providers: [Streams] });
    const streams = app.get(Streams);
    const first = streams.undeclared('a');
    expect(isObservable(first)).toBe(true);
    expect(await lastValueFrom(first)).toBe('a 1');
    expect(await lastValueFrom(streams.undeclared('a'))).toBe('a 1');
    expect(await lastValueFrom(concat(streams.undeclared('a'), streams.undeclared('b')))).toBe('b 2');
  });

  it('of an empty one undefined is cached', async () => {
    const { app } = await startApp({ providers: [Streams] });
    expect(await lastValueFrom(app.get(Streams).none())).toBe(undefined);
    expect(await lastValueFrom(app.get(Streams).none())).toBe(undefined);
    expect(app.get(Streams).runs).toBe(1);
  });

  it('of another copy of rxjs is one, too', async () => {
    class ForeignObservable {
      lift() {}
      subscribe(observer: { next: (value: string) => void; complete: () => void }) {
        observer.next('foreign');
        observer.complete();
        return { unsubscribe() {} };
      }
    }
    @Injectable()
    class Foreign {
      @AsyncCached(60)
      load() {
        return new ForeignObservable() as unknown as Observable<string>;
      }
    }
    const { app } = await startApp({ providers: [Foreign] });
    expect(await lastValueFrom(app.get(Foreign).load())).toBe('foreign');
  });
});

it('what an undeclared method returns can be awaited, without a compiler that wrote the type down', async () => {
  @Injectable()
  class Plain {
    runs = 0;
    @AsyncCached(60)
    load(id: string) {
      return Promise.resolve(`${id} ${++this.runs}`);
    }
  }
  const { app } = await startApp({ providers: [Plain] });
  const plain = app.get(Plain);
  expect(await plain.load('a')).toBe('a 1');
  expect(plain.load('a')).toBeInstanceOf(Promise);
  expect(await plain.load('a')).toBe('a 1');
});

describe('scopes', () => {
  @Injectable({ scope: Scope.TRANSIENT })
  class Transient {
    static made = 0;
    readonly id = ++Transient.made;
    @AsyncCached(60)
    async load(): Promise<string> {
      return `from ${this.id}`;
    }
  }
  @Injectable()
  class One {
    constructor(readonly dependency: Transient) {}
  }
  @Injectable()
  class Other {
    constructor(readonly dependency: Transient) {}
  }

  it('TRANSIENT: the instances share their entries', async () => {
    const { app, cache } = await startApp({ providers: [Transient, One, Other] });
    const [one, other] = [app.get(One).dependency, app.get(Other).dependency];
    expect(one).not.toBe(other);
    const value = await one.load();
    expect(await other.load()).toBe(value);
    expect(await (await app.resolve(Transient)).load()).toBe(value);
    expect(cache.jobs().map(({ name }) => name)).toEqual(['Transient.load']);
  });

  it('REQUEST: the instances share their entries, and a fetch runs on the instance of its reader', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      constructor(@Inject(REQUEST) private readonly request: { user?: string }) {}
      @AsyncCached(60)
      async load(id: number): Promise<string> {
        return `${id} by ${String(this.request.user)}`;
      }
    }
    const { app } = await startApp({ providers: [PerRequest] });
    const instanceFor = async (user: string): Promise<PerRequest> => {
      const context = ContextIdFactory.create();
      app.registerRequestByContextId({ user }, context);
      return app.resolve(PerRequest, context);
    };
    expect(await (await instanceFor('ann')).load(1)).toBe('1 by ann');
    expect(await (await instanceFor('bob')).load(1)).toBe('1 by ann');
    expect(await (await instanceFor('bob')).load(2)).toBe('2 by bob');
  });
});

describe('inheritance', () => {
  abstract class Base {
    runs = 0;
    @AsyncCached(60)
    async find(id: number): Promise<string> {
      return `base ${id} ${++this.runs}`;
    }
  }
  @Injectable()
  class Dependency {}
  @Injectable()
  class Inheriting extends Base {
    @Inject(ModuleRef) readonly moduleRef!: ModuleRef;
    constructor(readonly dependency: Dependency) {
      super();
    }
  }
  @Injectable()
  class Sibling extends Base {}
  @Injectable()
  class Calling extends Base {
    @AsyncCached(60)
    override async find(id: number): Promise<string> {
      return `over ${await super.find(id)}`;
    }
  }
  @Injectable()
  class Replacing extends Base {
    @AsyncCached(60)
    override async find(id: number): Promise<string> {
      return `replaced ${id} ${++this.runs}`;
    }
  }
  @Injectable()
  class Undecorated extends Base {
    override async find(id: number): Promise<string> {
      return `plain ${await super.find(id)}`;
    }
  }

  const start = () => startApp({ providers: [Dependency, Inheriting, Sibling, Calling, Replacing, Undecorated] });

  it('an inherited method is a job of each subclass', async () => {
    const { app, cache } = await start();
    const [one, other] = [app.get(Inheriting), app.get(Sibling)];
    expect(one.dependency).toBeInstanceOf(Dependency);
    expect(one.moduleRef).toBeDefined();
    one.runs = 10;
    expect(await one.find(1)).toBe('base 1 11');
    expect(await one.find(1)).toBe('base 1 11');
    expect(await other.find(1)).toBe('base 1 1');
    expect(cache.jobs().map(({ name }) => name)).toEqual(expect.arrayContaining(['Inheriting.find', 'Sibling.find']));
  });

  it('an overriding one that calls super is two jobs', async () => {
    const { app, cache, pass } = await start();
    const calling = app.get(Calling);
    expect(await calling.find(1)).toBe('over base 1 1');
    expect(await calling.find(1)).toBe('over base 1 1');
    expect(Object.keys(cache.stats().jobs)).toEqual(expect.arrayContaining(['Calling.find', 'Calling.find(Base)']));
    await pass(MINUTE + 1);
    await calling.find(1);
    await pass(0);
    // The outer refresh met a stale inner value, and waited for the new one.
    expect(await calling.find(1)).toBe('over base 1 2');
  });

  it('an overriding one that does not is one', async () => {
    const { app } = await start();
    expect(await app.get(Replacing).find(1)).toBe('replaced 1 1');
    expect(await app.get(Replacing).find(1)).toBe('replaced 1 1');
  });

  it('one that overrides without the decorator runs each time, and super is read from the cache', async () => {
    const { app } = await start();
    expect(await app.get(Undecorated).find(1)).toBe('plain base 1 1');
    expect(await app.get(Undecorated).find(1)).toBe('plain base 1 1');
    expect(app.get(Undecorated).runs).toBe(1);
  });
});

describe('names of methods', () => {
  const KEY = Symbol('secret');
  const TWIN = Symbol('secret');

  it('may be private, protected and symbols', async () => {
    @Injectable()
    class Hidden {
      runs = 0;
      @AsyncCached(60)
      private async hidden(): Promise<number> {
        return ++this.runs;
      }
      @AsyncCached(60)
      protected async guarded(): Promise<number> {
        return ++this.runs;
      }
      @AsyncCached(60)
      async [KEY](): Promise<number> {
        return ++this.runs;
      }
      all(): Promise<number[]> {
        return Promise.all([this.hidden(), this.guarded(), this[KEY]()]);
      }
    }
    const { app, cache, pass } = await startApp({ providers: [Hidden] });
    expect(await app.get(Hidden).all()).toEqual([1, 2, 3]);
    expect(await app.get(Hidden).all()).toEqual([1, 2, 3]);
    expect(cache.jobs().map(({ name }) => name)).toEqual(['Hidden.hidden', 'Hidden.guarded', 'Hidden.Symbol(secret)']);
    await pass(MINUTE + 1);
    await app.get(Hidden).all();
    await pass(0);
    expect(await app.get(Hidden).all()).toEqual([4, 5, 6]);
  });

  it('two symbols of one description are two jobs of one name, which is refused', async () => {
    @Injectable()
    class Twins {
      @AsyncCached(60)
      async [KEY](): Promise<number> {
        return 1;
      }
      @AsyncCached(60)
      async [TWIN](): Promise<number> {
        return 2;
      }
    }
    await expect(startApp({ providers: [Twins] })).rejects.toThrow(/Two jobs have the name Twins\.Symbol\(secret\)/);
  });
});

describe('other decorators', () => {
  const Below = () => SetMetadata('below', 'kept');
  const Above = () => SetMetadata('above', 'kept');

  /** Replaces the method by a function of its own, as many decorators do. */
  function Wrapped(log: string[]): MethodDecorator {
    return (_target, key, descriptor) => {
      const inner = descriptor.value as unknown as (...args: unknown[]) => unknown;
      descriptor.value = function (this: unknown, ...args: unknown[]) {
        log.push(String(key));
        return inner.apply(this, args);
      } as never;
    };
  }

  it('metadata from below and above is on the method', () => {
    class Service {
      @Above()
      @AsyncCached(60)
      @Below()
      async load(): Promise<void> {}
    }
    expect(Reflect.getMetadata('below', Service.prototype.load)).toBe('kept');
    expect(Reflect.getMetadata('above', Service.prototype.load)).toBe('kept');
  });

  it('one above that replaces the function runs for each read, one below for each fetch', async () => {
    const above: string[] = [];
    const below: string[] = [];
    @Injectable()
    class Service {
      @Wrapped(above)
      @AsyncCached(60)
      @Wrapped(below)
      async load(): Promise<number> {
        return 1;
      }
    }
    const { app, cache } = await startApp({ providers: [Service] });
    await app.get(Service).load();
    await app.get(Service).load();
    expect([above.length, below.length]).toEqual([2, 1]);
    expect(cache.jobs().map(({ name }) => name)).toEqual(['Service.load']);
    await cache.of(Service, 'load').delete();
    await app.get(Service).load();
    expect(below.length).toBe(2);
  });
});

describe('what it cannot stand on is refused where it is written', () => {
  it('a static method', () => {
    expect(() => {
      class Service {
        readonly own = 1;
        @AsyncCached(60)
        static async load(): Promise<void> {}
      }
      return Service;
    }).toThrow(ConfigurationError);
  });

  it('a getter, a property', () => {
    const decorate = AsyncCached(60) as unknown as (...args: unknown[]) => void;
    expect(() => decorate({}, 'value', { get: () => 1 })).toThrow(/Object\.value, which is no method/);
    expect(() => decorate({}, 'value')).toThrow(ConfigurationError);
  });

  it('the same method twice', () => {
    expect(() => {
      class Service {
        @AsyncCached(60)
        @AsyncCached(30)
        async load(): Promise<void> {}
      }
      return Service;
    }).toThrow(/stands twice on Service\.load/);
  });
});

it('an application that is not initialised, as in a unit test, reads from the cache as well', async () => {
  @Injectable()
  class Service {
    runs = 0;
    @AsyncCached(60)
    async load(): Promise<number> {
      return ++this.runs;
    }
  }
  const { compileApp } = await import('./support/start-app.js');
  const { app, pass } = await compileApp({ providers: [Service] });
  const service = app.get(Service);
  expect([await service.load(), await service.load()]).toEqual([1, 1]);
  await pass(MINUTE + 1);
  await service.load();
  await pass(0);
  expect(await service.load()).toBe(2);
  await app.close();
});

it('a provider may read from its constructor, and what is made per request stays so', async () => {
  @Injectable({ scope: Scope.REQUEST })
  class PerRequest {}
  @Injectable()
  class Early {
    readonly first: Promise<number>;
    constructor() {
      this.first = Promise.resolve(0);
    }
    @AsyncCached(60)
    async load(): Promise<number> {
      return 1;
    }
    async onModuleInit(): Promise<void> {
      await this.load();
    }
  }
  @Injectable()
  class Dependent {
    constructor(
      readonly perRequest: PerRequest,
      early: Early,
    ) {
      void early.load();
    }
  }
  @Module({ providers: [Early, PerRequest, Dependent] })
  class Feature {}
  const { app, log } = await startApp({ imports: [Feature] });
  const [one, other] = [await app.resolve(Dependent), await app.resolve(Dependent)];
  expect(one.perRequest).not.toBe(other.perRequest);
  expect(log.own('warn')).toEqual([]);
});

it('says nothing of running uncached where it does not', async () => {
  const warn = vi.spyOn(Logger.prototype, 'warn');
  @Injectable()
  class Service {
    @AsyncCached(60)
    async load(): Promise<number> {
      return 1;
    }
  }
  const { app } = await startApp({ providers: [Service] });
  await app.get(Service).load();
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});
