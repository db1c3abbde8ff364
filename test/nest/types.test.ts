import { ClassSerializerInterceptor, Controller, Get, Injectable, Param, UseInterceptors } from '@nestjs/common';
import { Exclude, Transform } from 'class-transformer';
import { Decimal } from 'decimal.js';
import { AsyncCacheJob, type AsyncCacheOptions, AsyncCached, ConfigurationError } from 'nestjs-async-cache';
import { describe, expect, inject, it } from 'vitest';
import { startApp, startHttpApp } from './support/start-app.js';

class User {
  readonly id: number;
  readonly createdAt = new Date(0);

  @Transform(({ value }) => String(value))
  readonly price = new Decimal('0.1');

  @Exclude()
  readonly password = 'secret';

  constructor(id: number) {
    this.id = id;
  }

  get label(): string {
    return `user ${String(this.id)}`;
  }
}

@Controller('users')
@UseInterceptors(ClassSerializerInterceptor)
@Injectable()
class Users {
  fetches = 0;

  @AsyncCached({ ttl: 60 })
  async find(id: string): Promise<User> {
    this.fetches++;
    return new User(Number(id));
  }

  @AsyncCached({ ttl: 60, readOnly: false })
  async list(): Promise<User[]> {
    return [new User(2), new User(1)];
  }

  @AsyncCached({ ttl: 60 })
  async totals(): Promise<{ rows: User[]; byId: Map<number, User> }> {
    const user = new User(1);
    return { rows: [user], byId: new Map([[1, user]]) };
  }

  @Get(':id')
  async show(@Param('id') id: string): Promise<User> {
    return this.find(id);
  }
}

const decimal = {
  type: Decimal,
  serialize: (value: { toString(): string }) => value.toString(),
  deserialize: (text: string) => new Decimal(text),
};

const url = new URL(inject('redisUrl'));
const connection = { host: url.hostname, port: Number(url.port) };
const unique = (): { prefix: string } => ({ prefix: `types ${String(Math.random())}` });

const homes: readonly [string, () => AsyncCacheOptions][] = [
  ['embedded', () => ({})],
  ['on Redis with copies', () => ({ connection, ...unique() })],
  ['on Redis without copies', () => ({ connection, near: false, ...unique() })],
  ['in cache-manager', () => ({ stores: [], ...unique() })],
];

describe.each(homes)('classes in types, %s,', (_, home) => {
  const options = (): AsyncCacheOptions => ({ ...home(), types: [User, decimal] });

  it('@Exclude holds in the response of a miss, a hit and a stale hit', async () => {
    const { app, cache, url: at } = await startHttpApp({ controllers: [Users], options: options() });
    const answer = { id: 7, createdAt: '1970-01-01T00:00:00.000Z', price: '0.1' };
    const read = async (): Promise<unknown> => (await fetch(`${at}/users/7`)).json();
    expect(await read()).toEqual(answer);
    expect(await read()).toEqual(answer);
    await cache.of(app.get(Users), 'find').invalidate('7');
    expect(await read()).toEqual(answer);
  });

  it('a hit has methods, getters and what a class makes of its own form', async () => {
    const { app } = await startApp({ providers: [Users], options: options() });
    const users = app.get(Users);
    for (let read = 0; read < 3; read++) {
      const { rows, byId } = await users.totals();
      const [user] = rows;
      expect(user).toBeInstanceOf(User);
      expect(user?.label).toBe('user 1');
      expect(user?.price.mul(2).toString()).toBe('0.2');
      expect(byId.get(1)).toBe(user);
    }
  });

  it('readOnly: false gives each reader a copy of its own', async () => {
    const { app } = await startApp({ providers: [Users], options: options() });
    const users = app.get(Users);
    for (let read = 0; read < 3; read++) {
      const list = await users.list();
      expect(list.map(({ id }) => id)).toEqual([2, 1]);
      list.sort((a, b) => a.id - b.id);
      list[0]?.createdAt.setFullYear(1);
      Object.assign(list[0] as User, { id: 9 });
    }
  });

  it('without types the class is reported, with what to write', async () => {
    const { app, cache } = await startApp({ providers: [Users], options: home() });
    const told: unknown[] = [];
    cache.events$.subscribe((event) => {
      if (event.type === 'class-lost') told.push(event.classNames);
    });
    await app.get(Users).find('1');
    await app.get(Users).find('2');
    expect(told).toEqual([['User', 'Decimal']]);
  });
});

describe('rows with Dates', () => {
  @Injectable()
  class Rows {
    @AsyncCached(60)
    async all(): Promise<{ id: number; at: Date }[]> {
      return Array.from({ length: 1_000 }, (_, id) => ({ id, at: new Date(id) }));
    }
  }

  it('are shared by all readers, whom no setter gets further than an error', async () => {
    const { app } = await startApp({ providers: [Rows], options: {} });
    const rows = app.get(Rows);
    await rows.all();
    const one = await rows.all();
    const other = await rows.all();
    expect(other).toBe(one);
    expect(() => one[5]?.at.setFullYear(1)).toThrow(TypeError);
    expect(other[5]?.at).toEqual(new Date(5));
  });
});

describe('a job class', () => {
  class Page {
    constructor(readonly number: number) {}
    get skip(): number {
      return this.number * 10;
    }
  }

  @Injectable()
  class Pages extends AsyncCacheJob {
    ttl = 60;
    types = [Page];
    async fetch(page: Page): Promise<{ skip: number; page: Page }> {
      return { skip: page.skip, page };
    }
  }

  it('has types of its own, for values and arguments, in a background refresh too', async () => {
    const { app } = await startApp({ providers: [Pages], options: {} });
    const pages = app.get(Pages);
    expect((await pages.get(new Page(2))).skip).toBe(20);
    await pages.invalidate(new Page(2));
    await expect.poll(async () => (await pages.read(new Page(2))).status).toBe('hit');
    const { skip, page } = await pages.get(new Page(2));
    expect({ skip, again: page.skip }).toEqual({ skip: 20, again: 20 });
  });
});

describe('wrong types', () => {
  it('of forRoot and of a job are errors at start-up', async () => {
    const other = {
      User: class {
        id = 1;
      },
    }.User;
    await expect(startApp({ options: { types: [User, other] } })).rejects.toThrow(ConfigurationError);

    @Injectable()
    class Second {
      @AsyncCached({ types: [other] })
      async find(): Promise<null> {
        return null;
      }
    }
    await expect(startApp({ providers: [Second], options: { types: [User] } })).rejects.toThrow(
      /types of Second\.find has a second class named User/,
    );
  });
});
