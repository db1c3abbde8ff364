import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import { AsyncCached, type CacheEvent } from 'nestjs-async-cache';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { MINUTE, startApp } from './support/start-app.js';

class PageOptions {
  page = 1;
  size = 10;

  get skip(): number {
    return (this.page - 1) * this.size;
  }
}

class Undeclared {
  id = 1;

  get double(): number {
    return 2 * this.id;
  }
}

class Plain {
  constructor(readonly id: number) {}
}

const tenant = new AsyncLocalStorage<string>();

@Injectable()
class Lists {
  readonly fetches: unknown[] = [];

  @AsyncCached(60)
  async list(filter: { page: number; [more: symbol]: unknown }): Promise<string> {
    await Promise.resolve();
    this.fetches.push({ ...filter });
    return `page ${String(filter.page)}`;
  }

  @AsyncCached(60)
  async paged(options: PageOptions): Promise<string> {
    this.fetches.push(options);
    return `from ${String(options.skip)}`;
  }

  @AsyncCached(60)
  async anything(value: unknown): Promise<string> {
    this.fetches.push(value);
    return 'value';
  }

  @AsyncCached({ ttl: 60, key: (request: { id: string }) => request.id })
  async byRequest(request: { id: string; socket: () => void }): Promise<string> {
    return request.id;
  }

  @AsyncCached(60)
  async ofTenant(): Promise<string> {
    this.fetches.push(tenant.getStore());
    return 'value';
  }
}

describe.each([
  ['embedded', false],
  ['on Redis', true],
])('%s, arguments are those of the call', (_, onRedis) => {
  async function start() {
    const url = new URL(inject('redisUrl'));
    const connection = { host: url.hostname, port: Number(url.port) };
    const options = onRedis ? { connection, prefix: `arguments ${String(Math.random())}` } : {};
    const started = await startApp({ providers: [Lists], options });
    const lists = started.app.get(Lists);
    const events: CacheEvent[] = [];
    const watching = started.cache.events$.subscribe((event) => events.push(event));
    onTestFinished(() => watching.unsubscribe());
    /** Makes the cached value stale. */
    const age = async (method: 'list' | 'paged' | 'anything', argument: never): Promise<void> => {
      if (onRedis) await started.cache.of(lists, method).invalidate(argument);
      else await started.pass(2 * MINUTE);
    };
    return { ...started, lists, events, age };
  }

  it('whatever the caller changes in them afterwards', async () => {
    const { lists } = await start();
    const filter = { page: 0 };
    const calls = [1, 2, 3].map((page) => {
      filter.page = page;
      return lists.list(filter);
    });
    filter.page = 9;
    expect(await Promise.all(calls)).toEqual(['page 1', 'page 2', 'page 3']);
    expect(await lists.list({ page: 2 })).toBe('page 2');
    expect(lists.fetches).toHaveLength(3);
  });

  it('of calls by the facade as well', async () => {
    const { lists, cache } = await start();
    const list = cache.of(lists, 'list');
    const filter = { page: 0 };
    const calls = [1, 2, 3].map((page) => {
      filter.page = page;
      return list.get(filter);
    });
    filter.page = 4;
    const many = list.getMany([[filter]]);
    filter.page = 9;
    expect(await Promise.all([...calls, many])).toEqual(['page 1', 'page 2', 'page 3', ['page 4']]);
  });

  it('in a background refresh: an instance of a declared class, whose accessor works', async () => {
    const { lists, age, pass } = await start();
    const options = Object.assign(new PageOptions(), { page: 3 });
    expect(await lists.paged(options)).toBe('from 20');
    await age('paged', options as never);
    await lists.paged(options);
    options.page = 9;
    await vi.waitFor(async () => {
      await pass(0);
      expect(lists.fetches).toHaveLength(2);
    });
    const refreshed = lists.fetches[1] as PageOptions;
    expect(refreshed).toBeInstanceOf(PageOptions);
    expect([refreshed.page, refreshed.skip]).toEqual([3, 20]);
  });

  it('in a background refresh: members keyed by registered symbols', async () => {
    const { lists, age, pass } = await start();
    const filter = { page: 1, [Symbol.for('gt')]: { [Symbol.for('and')]: [1, new Date(5)] } };
    await lists.list(filter);
    await age('list', filter as never);
    await lists.list(filter);
    await vi.waitFor(async () => {
      await pass(0);
      expect(lists.fetches).toHaveLength(2);
    });
    expect(lists.fetches[1]).toEqual(lists.fetches[0]);
    expect(Object.getOwnPropertySymbols(lists.fetches[1])).toEqual([Symbol.for('gt')]);
  });

  it('an instance that no refresh could be given is refused, naming its class and what to do', async () => {
    const { lists } = await start();
    await expect(lists.anything(new Undeclared())).rejects.toThrow(
      /Lists\.anything: argument 1 cannot be handed to a background refresh: is an instance of Undeclared, .*`types`/,
    );
    expect(lists.fetches).toEqual([]);
  });

  it('an instance that is only data is an entry with a plain object of its content', async () => {
    const { lists } = await start();
    await lists.anything(new Plain(1));
    await lists.anything({ id: 1 });
    expect(lists.fetches).toEqual([{ id: 1 }]);
  });

  it('what key() makes keyable and cannot travel is refused, and says prepareArgs', async () => {
    const { lists } = await start();
    await expect(lists.byRequest({ id: 'a', socket: () => undefined })).rejects.toThrow(
      /Lists\.byRequest: argument 1 at \$\.socket cannot be handed to a background refresh: is a function.*prepareArgs/,
    );
  });
});

describe('a method that is called without its instance', () => {
  it('is an error that names the method and what to do', async () => {
    const { app } = await startApp({ providers: [Lists] });
    const { list } = app.get(Lists);
    expect(() => [{ page: 1 }].map(list)).toThrow(
      'Lists.list was called without its instance. Call it on the instance, (id) => service.list(id)',
    );
  });
});

describe('a background refresh, embedded', () => {
  it('runs outside of the async context of the reader that asked for it; a fetch in the caller runs inside', async () => {
    const { app, pass } = await startApp({ providers: [Lists] });
    const lists = app.get(Lists);
    await tenant.run('bob', () => lists.ofTenant());
    await pass(2 * MINUTE);
    await tenant.run('bob', async () => {
      await lists.ofTenant();
      await pass(0);
    });
    expect(lists.fetches).toEqual(['bob', undefined]);
  });
});
