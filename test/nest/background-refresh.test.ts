import { Controller, Get, Inject, Injectable, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { AsyncCached, AsyncCacheJob, refreshContext } from 'nestjs-async-cache';
import { describe, expect, it } from 'vitest';
import { MINUTE, startApp, startFailure, startHttpApp } from './support/start-app.js';

interface RequestOrRefresh {
  asyncCacheJob?: string;
}

describe('the background refresh of a provider that is made per request', () => {
  @Injectable({ scope: Scope.REQUEST })
  class Tenant {
    constructor(@Inject(REQUEST) readonly request: RequestOrRefresh) {}
  }
  @Injectable()
  class Bubbled {
    static made = 0;
    readonly id = ++Bubbled.made;
    constructor(readonly tenant: Tenant) {}
    @AsyncCached(60)
    async load(): Promise<{ made: number; job: string | undefined }> {
      return { made: this.id, job: this.tenant.request.asyncCacheJob };
    }
  }
  @Controller()
  class PerRequest {
    constructor(
      @Inject(REQUEST) private readonly request: RequestOrRefresh,
      private readonly bubbled: Bubbled,
    ) {}
    @Get()
    @AsyncCached(60)
    async root(): Promise<string> {
      return this.request.asyncCacheJob ?? 'a request';
    }
    @Get('bubbled')
    load() {
      return this.bubbled.load();
    }
  }

  it('runs on a new instance in a context of its own, whose REQUEST is { asyncCacheJob }', async () => {
    const { url, pass, log } = await startHttpApp({ providers: [Tenant, Bubbled], controllers: [PerRequest] });
    const get = async (path: string) => (await fetch(url + path)).text();
    expect(await get('/')).toBe('a request');
    const first = JSON.parse(await get('/bubbled')) as { made: number };
    await pass(MINUTE + 1);
    expect(await get('/')).toBe('a request');
    expect(JSON.parse(await get('/bubbled'))).toEqual(first);
    await pass(0);
    expect(await get('/')).toBe('PerRequest.root');
    const refreshed = JSON.parse(await get('/bubbled')) as { made: number; job: string };
    expect(refreshed.job).toBe('Bubbled.load');
    expect(refreshed.made).toBeGreaterThan(first.made);
    expect(log.own('error')).toEqual([]);
  });

  it('job classes as well', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequestJob extends AsyncCacheJob {
      ttl = 60;
      constructor(@Inject(REQUEST) private readonly request: RequestOrRefresh | undefined) {
        super();
      }
      async fetch(id: number): Promise<string> {
        return `${id} ${this.request?.asyncCacheJob ?? 'a request'} ${refreshContext().background}`;
      }
    }
    const { app, cache, pass } = await startApp({ providers: [PerRequestJob] });
    expect(cache.jobs().map(({ name }) => name)).toEqual(['PerRequestJob']);
    const read = async () => (await app.resolve(PerRequestJob)).get(1);
    expect(await read()).toBe('1 a request false');
    await pass(MINUTE + 1);
    await read();
    await pass(0);
    expect(await read()).toBe('1 PerRequestJob true');
  });

  it('TRANSIENT job classes as well', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class TransientJob extends AsyncCacheJob {
      static made = 0;
      readonly id = ++TransientJob.made;
      ttl = 60;
      async fetch(): Promise<number> {
        return this.id;
      }
    }
    const { app, pass } = await startApp({ providers: [TransientJob] });
    const one = await app.resolve(TransientJob);
    const first = await one.get();
    expect(await (await app.resolve(TransientJob)).get()).toBe(first);
    await pass(MINUTE + 1);
    await one.get();
    await pass(0);
    expect(await one.get()).toBeGreaterThan(first);
  });

  @Injectable({ scope: Scope.REQUEST })
  class User {
    readonly id: string;
    constructor(@Inject(REQUEST) request: { user: { id: string } }) {
      this.id = request.user.id;
    }
  }
  @Injectable()
  class Needy {
    constructor(readonly user: User) {}
    @AsyncCached(60)
    async load(): Promise<void> {}
  }
  @Injectable()
  class NeedyJob extends AsyncCacheJob {
    constructor(readonly user: User) {
      super();
    }
    async fetch(): Promise<void> {}
  }

  it.each([
    ['a decorated method', Needy, 'Needy.load'],
    ['a job class', NeedyJob, 'NeedyJob'],
  ])('is refused at start-up when it cannot be made without a request: %s', async (_, cls, job) => {
    const { message, cause } = await startFailure({ providers: [User, cls] });
    expect(message).toContain(
      `${job} cannot be refreshed in the background: ${cls.name} cannot be made without a request`,
    );
    expect(message).toContain('Make its constructor work without one (REQUEST is { asyncCacheJob } then)');
    expect(cause).toBeInstanceOf(TypeError);
  });
});

describe('refreshContext()', () => {
  it('says what a fetch is for, in a method and in an Observable, and carries out what it wishes', async () => {
    @Injectable()
    class Service {
      @AsyncCached(600)
      async load(id: number): Promise<object> {
        const { key, background, attempt, previous, signal, setTtl } = refreshContext();
        setTtl(60);
        return {
          id,
          key,
          background,
          attempt,
          previous: previous === undefined ? 'none' : 'some',
          aborted: signal.aborted,
        };
      }
    }
    const { app, pass } = await startApp({ providers: [Service] });
    const expected = { id: 1, key: 'Service.load:1', attempt: 1, aborted: false };
    expect(await app.get(Service).load(1)).toEqual({ ...expected, background: false, previous: 'none' });
    await pass(MINUTE + 1);
    await app.get(Service).load(1);
    await pass(0);
    expect(await app.get(Service).load(1)).toEqual({ ...expected, background: true, previous: 'some' });
  });
});

it('a failed background refresh is logged once, with job and key, and the value stays', async () => {
  @Injectable()
  class Service {
    runs = 0;
    @AsyncCached(60)
    async load(_id: string): Promise<number> {
      if (++this.runs > 1) throw new Error('origin is down');
      return this.runs;
    }
  }
  const { app, log, pass } = await startApp({ providers: [Service] });
  await app.get(Service).load('a');
  await pass(MINUTE + 1);
  expect(await app.get(Service).load('a')).toBe(1);
  await pass(0);
  expect(await app.get(Service).load('a')).toBe(1);
  await pass(0);
  expect(log.own('error')).toEqual([
    expect.stringMatching(/Refresh of Service\.load:"a" failed \(first failure\).*origin is down/),
  ]);
});
