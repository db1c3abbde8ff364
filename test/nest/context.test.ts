import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import { AsyncCacheJob, AsyncCached, AsyncCacheModule, type AsyncCacheOptions, ContextError } from 'nestjs-async-cache';
import { ClsModule, ClsService } from 'nestjs-cls';
import { describe, expect, inject, it } from 'vitest';
import { compilePolicy } from '../../lib/core/policy/compile-policy.js';
import { startApp } from './support/start-app.js';

interface Scope {
  tenant: string | undefined;
}

const scopes = new AsyncLocalStorage<Scope>();
const as = <T>(tenant: string, run: () => T): T => scopes.run({ tenant }, run);

/** Each fetch returns the context in which it ran. */
@Injectable()
class Reports {
  readonly fetchedIn: (string | undefined)[] = [];

  @AsyncCached({ ttl: 60, tags: () => [`in:${String(scopes.getStore()?.tenant)}`] })
  async sales(region: string): Promise<string> {
    this.fetchedIn.push(scopes.getStore()?.tenant);
    return `${region} of ${String(scopes.getStore()?.tenant)}`;
  }

  @AsyncCached({ ttl: 60, context: false })
  async countries(): Promise<string> {
    this.fetchedIn.push(scopes.getStore()?.tenant);
    return 'all';
  }
}

@Injectable()
class Users extends AsyncCacheJob {
  ttl = 60;
  readonly batches: string[] = [];

  async fetch(id: number): Promise<string> {
    return `${String(scopes.getStore()?.tenant)}:${id}`;
  }

  async fetchMany(argsList: readonly [number][]): Promise<string[]> {
    this.batches.push(`${String(scopes.getStore()?.tenant)}:${argsList.map(([id]) => id).join()}`);
    return Promise.all(argsList.map(([id]) => this.fetch(id)));
  }
}

const context: NonNullable<AsyncCacheOptions['context']> = {
  capture: () => {
    const scope = scopes.getStore();
    return scope && { tenant: scope.tenant };
  },
  run(captured, fetch) {
    return scopes.run({ ...(captured as Scope) }, fetch);
  },
};

const url = new URL(inject('redisUrl'));
const connection = { host: url.hostname, port: Number(url.port) };
const homes: readonly [string, () => AsyncCacheOptions][] = [
  ['embedded', () => ({ context })],
  ['on Redis', () => ({ context, connection, prefix: `context ${String(Math.random())}` })],
];

describe.each(homes)('a context, %s,', (_, options) => {
  const start = async () => {
    const started = await startApp({ providers: [Reports, Users], options: options() });
    return { ...started, reports: started.app.get(Reports), users: started.app.get(Users) };
  };

  it('is part of every key: one tenant never gets what another fetched, however they meet', async () => {
    const { reports } = await start();
    const read = (tenant: string) => as(tenant, () => reports.sales('EU'));
    expect(await Promise.all([read('a'), read('b'), read('a')])).toEqual(['EU of a', 'EU of b', 'EU of a']);
    expect(await Promise.all([read('b'), read('a')])).toEqual(['EU of b', 'EU of a']);
    expect(await reports.sales('EU')).toBe('EU of undefined');
    expect(reports.fetchedIn).toEqual(['a', 'b', undefined]);
  });

  it('is restored around a background refresh, and around options that ask for it', async () => {
    const { reports, cache } = await start();
    const sales = cache.of(reports, 'sales');
    for (const tenant of ['a', 'b']) await as(tenant, () => reports.sales('EU'));
    reports.fetchedIn.length = 0;
    await as('a', () => sales.invalidate('EU'));
    await expect.poll(async () => (await as('a', () => sales.read('EU'))).status).toBe('hit');
    expect(await as('a', () => sales.peek('EU'))).toMatchObject({ value: 'EU of a', tags: ['in:a'] });
    expect((await as('b', () => sales.read('EU'))).status).toBe('hit');
    expect(reports.fetchedIn).toEqual(['a']);
    await cache.invalidateTags('in:a');
    expect((await as('a', () => sales.peek('EU')))?.status).toBe('stale');
    expect((await as('b', () => sales.peek('EU')))?.status).toBe('fresh');
  });

  it('a job with context: false shares its values, and refreshes nowhere in particular', async () => {
    const { reports, cache } = await start();
    const countries = cache.of(reports, 'countries');
    await as('a', () => reports.countries());
    await as('b', () => reports.countries());
    await as('b', () => countries.invalidate());
    await expect.poll(async () => (await as('b', () => countries.read())).status).toBe('hit');
    expect(reports.fetchedIn).toEqual(['a', undefined]);
  });

  it('a write concerns the context that it is made in; invalidateAll all of them', async () => {
    const { reports, cache } = await start();
    const sales = cache.of(reports, 'sales');
    await as('a', () => sales.set(['EU'], 'by hand'));
    expect(await as('a', () => sales.get('EU'))).toBe('by hand');
    expect(await as('b', () => sales.get('EU'))).toBe('EU of b');
    expect(await as('b', () => sales.delete('EU'))).toBe(true);
    expect(await as('a', () => sales.peek('EU'))).toMatchObject({ status: 'fresh' });
    await sales.invalidateAll();
    expect(await as('a', () => sales.peek('EU'))).toMatchObject({ status: 'stale' });
  });

  it('keys of two contexts are never fetched together', async () => {
    const { users } = await start();
    const ids = [[1], [2]] as [number][];
    for (const tenant of ['a', 'b']) {
      expect(await as(tenant, () => users.getMany(ids))).toEqual([`${tenant}:1`, `${tenant}:2`]);
    }
    await users.invalidateAll();
    users.batches.length = 0;
    await Promise.all(['a', 'b'].map((tenant) => as(tenant, () => users.getMany(ids))));
    await expect.poll(() => users.batches.toSorted()).toEqual(['a:1,2', 'b:1,2']);
    for (const tenant of ['a', 'b']) {
      await expect.poll(async () => (await as(tenant, () => users.read(1))).status).toBe('hit');
      expect(await as(tenant, () => users.getMany(ids))).toEqual([`${tenant}:1`, `${tenant}:2`]);
    }
  });

  it.each([
    ['embedded', {}],
    ['on Redis', { connection }],
  ])('reads of two tenants that miss in one turn are fetched apart, %s', async (_, options) => {
    const prefix = `context ${String(Math.random())}`;
    const { app } = await startApp({ providers: [Users], options: { ...options, prefix, context } });
    const users = app.get(Users);
    const read = (tenant: string, id: number) => as(tenant, () => users.get(id));
    expect(await Promise.all([read('a', 1), read('b', 1), read('a', 2), read('b', 2)])).toEqual([
      'a:1',
      'b:1',
      'a:2',
      'b:2',
    ]);
    expect(users.batches.toSorted()).toEqual(['a:1,2', 'b:1,2']);
  });
});

describe('without context', () => {
  it.each([
    ['embedded', {}],
    ['on Redis', { connection }],
  ])('nothing in the background runs in the context of a reader, %s', async (_, options) => {
    const prefix = `context ${String(Math.random())}`;
    const { app, cache } = await startApp({ providers: [Reports], options: { ...options, prefix } });
    const reports = app.get(Reports);
    const sales = cache.of(reports, 'sales');
    const toldIn: unknown[] = [];
    cache.events$.subscribe(({ type }) => {
      if (type === 'refresh-requested' || type === 'stored') toldIn.push(scopes.getStore()?.tenant);
    });
    await as('a', () => reports.sales('EU'));
    await as('b', () => sales.invalidate('EU'));
    await expect.poll(async () => (await sales.read('EU')).status).toBe('hit');
    expect(reports.fetchedIn).toEqual(['a', undefined]);
    // A reader's own fill and its request are parts of what the reader does.
    expect(toldIn).toEqual(['a', 'b', undefined]);
  });
});

describe('what a context cannot be', () => {
  const reading = async (context: NonNullable<AsyncCacheOptions['context']>) => {
    const { app, cache } = await startApp({ providers: [Reports], options: { context } });
    return { reports: app.get(Reports), cache };
  };

  it('capture that throws fails the read with that error, named', async () => {
    const { reports } = await reading({
      capture: () => {
        throw new Error('no tenant in this request');
      },
      run: (_, fetch) => fetch(),
    });
    await expect(reports.sales('EU')).rejects.toThrow(ContextError);
    await expect(reports.sales('EU')).rejects.toThrow(/Reports\.sales.*no tenant in this request.*context: false/);
    expect(await reports.countries()).toBe('all');
  });

  it('what cannot be a key fails the read and says so', async () => {
    const { reports } = await reading({ capture: () => ({ tenant: () => 1 }), run: (_, fetch) => fetch() });
    await expect(reports.sales('EU')).rejects.toThrow(/context of Reports\.sales.*\$\.tenant is a function/);
  });

  it('what the caller changes in it later reaches no fetch', async () => {
    const shared = { tenant: 'a' };
    const seen: unknown[] = [];
    const { reports, cache } = await reading({
      capture: () => shared,
      run(captured, fetch) {
        seen.push(captured);
        return fetch();
      },
    });
    await reports.sales('EU');
    const invalidated = cache.of(reports, 'sales').invalidate('EU');
    shared.tenant = 'b';
    await invalidated;
    await expect.poll(() => seen).toEqual([{ tenant: 'a' }]);
  });

  it('a run that does not fetch is a failed refresh that says what run must do', async () => {
    const { reports, cache } = await reading({ capture: () => 'a', run: () => undefined });
    const told: unknown[] = [];
    cache.events$.subscribe((event) => {
      if (event.type === 'refresh-failed') told.push(event.error);
    });
    await reports.sales('EU');
    await cache.of(reports, 'sales').invalidate('EU');
    await expect
      .poll(() => told.map(String))
      .toEqual([expect.stringMatching(/did not call its second argument.*run: \(captured, fetch\)/)]);
  });

  it('wrong options are errors at start-up', async () => {
    const start = (context: unknown) => startApp({ options: { context } as AsyncCacheOptions });
    await expect(start(true)).rejects.toThrow(/context of forRoot is true/);
    await expect(start({ capture: () => 1 })).rejects.toThrow(/capture: \(\) => …, run/);
    expect(() => compilePolicy('J', { context: 1 as unknown as boolean })).toThrow(/context.*true or false/);
  });
});

describe('with nestjs-cls', () => {
  @Injectable()
  class Tenants {
    constructor(private readonly cls: ClsService) {}

    @AsyncCached(60)
    async name(): Promise<string> {
      return `name of ${this.cls.get<string>('tenant')}`;
    }
  }

  it('each tenant has its own values, refreshed as that tenant', async () => {
    const { app, cache } = await startApp({
      imports: [{ ...ClsModule.forRoot(), global: true }],
      providers: [Tenants],
      cacheModule: AsyncCacheModule.forRootAsync({
        inject: [ClsService],
        useFactory: (cls: ClsService) => ({
          context: {
            capture: () => ({ tenant: cls.get<string>('tenant') }),
            run: (captured, fetch) =>
              cls.run(() => {
                cls.set('tenant', captured.tenant);
                return fetch();
              }),
          },
        }),
      }),
    });
    const cls = app.get(ClsService);
    const tenants = app.get(Tenants);
    const name = cache.of(tenants, 'name');
    const inTenant = <T>(tenant: string, run: () => Promise<T>) =>
      cls.run(() => {
        cls.set('tenant', tenant);
        return run();
      });
    for (const tenant of ['a', 'b']) expect(await inTenant(tenant, () => tenants.name())).toBe(`name of ${tenant}`);
    await inTenant('a', () => name.invalidate());
    await expect.poll(async () => (await inTenant('a', () => name.read())).status).toBe('hit');
    expect(await inTenant('a', () => tenants.name())).toBe('name of a');
  });
});
