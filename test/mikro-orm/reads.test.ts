import { MikroORM, NotFoundError, raw, RequestContext, wrap } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { UnkeyableArgumentError } from 'nestjs-async-cache';
import {
  type CachedRepository,
  EntityFilterJob,
  EntityGetJob,
  type EntityJobOptions,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/mikro-orm';
import { describe, expect, it } from 'vitest';
import { usePostgres } from '../orm/support/postgres.js';
import { Address, Everything, Order, Profile, User } from './support/entities.js';
import { startMikroOrmApp } from './support/mikro-orm-app.js';

const postgres = usePostgres();
const plain = (entity: object) => wrap(entity).toObject() as unknown;

describe('get', () => {
  it('ten reads are one query, and return the row as an instance with its methods', async () => {
    const { users, fork, queries } = await startMikroOrmApp(postgres.server);
    const expected = await fork().findOneOrFail(User, { username: 'ann' });
    await queries('account');
    for (let read = 0; read < 10; read++) expect(plain(await users.get({ username: 'ann' }))).toEqual(plain(expected));
    expect(await queries('account')).toBe(1);
    const ann = await users.get({ username: 'ann' });
    expect(ann).toBeInstanceOf(User);
    expect([ann.greeting(), ann.createdAt]).toEqual(['Hello Ann', expected.createdAt]);
    expect(JSON.stringify(ann)).toBe(JSON.stringify(expected));
    expect([ann.orders.isInitialized(), wrap(ann.profile!).isInitialized()]).toEqual([false, false]);
  });

  it('a row that is not there is the error of the ORM, on each read', async () => {
    const { users, queries } = await startMikroOrmApp(postgres.server);
    await queries('account');
    for (let read = 0; read < 2; read++) {
      await expect(users.get({ username: 'nobody' })).rejects.toThrow(NotFoundError);
    }
    expect(await queries('account')).toBe(2);
  });

  it('relations come as instances in collections, and lead back to the row that they are of', async () => {
    const { users, fork } = await startMikroOrmApp(postgres.server);
    const options = { populate: ['profile', 'orders', 'roles'] } as const;
    const expected = await fork().findOneOrFail(User, 1, options);
    await users.get({ id: 1 }, options);
    const ann = await users.get({ id: 1 }, options);
    expect(plain(ann)).toEqual(plain(expected));
    expect(JSON.stringify(ann)).toBe(JSON.stringify(expected));
    expect(ann.profile).toBeInstanceOf(Profile);
    expect(ann.orders.getItems().map((order) => order.describe())).toEqual(['10.50 €', '20.00 €']);
    expect(ann.orders[0]?.user).toBe(ann);
    expect(ann.roles.getItems().map(({ name }) => name)).toEqual(['admin']);
    const bob = await users.get({ id: 2 }, options);
    const again = await users.get({ id: 2 }, options);
    for (const row of [bob, again]) expect([row.profile, row.orders.length, row.roles.length]).toEqual([null, 0, 0]);
  });

  it('columns of each type are equal to those of the ORM', async () => {
    const { app, fork } = await startMikroOrmApp(postgres.server);
    const everything = app.get<CachedRepository<Everything>>(getCachedRepositoryToken(Everything), { strict: false });
    const id = '7d444840-9dc0-11d1-b245-5ffdce74fad2';
    const em = fork();
    em.create(Everything, {
      id,
      big: '9007199254740993',
      bigint: 9007199254740993n,
      decimal: '12345678901234567890.123',
      double: 0.1,
      at: new Date('2026-03-29T01:30:00.123Z'),
      day: '2026-02-28',
      time: '23:59:59',
      bytes: Buffer.from([0, 255]),
      json: { a: [1, null, { b: 'ü' }] },
      numbers: [3, 1, 2],
      color: 'green',
      nothing: null,
      hidden: 'here',
      address: Object.assign(new Address(), { street: 'Ring' }),
    });
    await em.flush();
    const expected = await fork().findOneOrFail(Everything, id);
    await everything.get({ id });
    const got = await everything.get({ id });
    const members = (row: Everything) =>
      Object.fromEntries([...Object.entries(row), ['address', Object.entries(row.address)]]);
    expect(members(got)).toEqual(members(expected));
    expect(Buffer.isBuffer(got.bytes)).toBe(Buffer.isBuffer(expected.bytes));
    expect([got.at instanceof Date, got.hidden, got.address.line()]).toEqual([true, 'here', 'Ring 1']);
  });
});

describe('filter and count', () => {
  it('ten reads are one query, with operators', async () => {
    const { users, fork, queries } = await startMikroOrmApp(postgres.server);
    const em = fork();
    for (const name of ['Foo', 'Foobar', 'Bar'])
      em.create(User, { name, username: name, isStaff: false, createdAt: new Date() });
    await em.flush();
    await queries('account');
    for (let read = 0; read < 10; read++) {
      const found = await users.filter({ name: { $like: 'Foo%' } }, { orderBy: { name: 'asc' }, limit: 20 });
      expect(found.map(({ name }) => name)).toEqual(['Foo', 'Foobar']);
      expect(await users.count({ name: { $like: 'Foo%' } })).toBe(2);
    }
    expect(await queries('account')).toBe(2);
    expect(await users.filter({ name: 'nobody' })).toEqual([]);
    expect(await users.filter()).toHaveLength(5);
    expect(await users.count()).toBe(5);
  });

  it('each operator finds what it finds in the ORM', async () => {
    const { users, fork } = await startMikroOrmApp(postgres.server);
    const conditions = [
      { username: ['ann', 'x'] },
      { username: { $in: ['ann', 'x'] } },
      { username: { $ne: 'ann' } },
      { username: { $nin: ['ann'] } },
      { age: null },
      { age: { $gt: 29, $lt: 31 } },
      { $or: [{ username: 'ann' }, { age: null }] },
      { $not: { username: 'ann' } },
      { createdAt: { $lt: new Date('2100-01-01') } },
      { username: { $eq: 'bob' } },
      { username: /^a/ },
      { profile: { city: { $like: 'G%' } } },
      { profile: 1 },
      { orders: { $some: { total: '20.00' } } },
    ];
    for (const where of conditions) {
      const expected = await fork().find(User, where, { orderBy: { id: 'asc' } });
      const found = await users.filter(where, { orderBy: { id: 'asc' } });
      expect(found.map(plain)).toEqual(expected.map(plain));
    }
  });
});

describe('keys', () => {
  it('are made of what operators mean', async () => {
    const { users, fork } = await startMikroOrmApp(postgres.server);
    const keyOf = async (...args: Parameters<typeof users.filter>) => (await users.filterJob.explain(...args)).key;
    expect(await keyOf({ id: [1, 2] })).toBe(await keyOf({ id: { $in: [2, 1, 1] } }));
    expect(await keyOf({ id: { $eq: 1 } })).toBe(await keyOf({ id: 1 }));
    expect(await keyOf(1)).toBe(await keyOf({ id: 1 }));
    expect(await keyOf({ id: 1, name: 'a' })).toBe(await keyOf({ name: 'a', id: 1 }));
    expect(await keyOf({ profile: await fork().findOneOrFail(Profile, 1) })).toBe(await keyOf({ profile: 1 }));
    const different = [
      await keyOf({ id: [1, 2] }),
      await keyOf({ id: [1, 3] }),
      await keyOf({ id: { $ne: 1 } }),
      await keyOf({ id: 1 }),
      await keyOf({ age: null }),
      await keyOf({ id: { $gt: 1 } }),
      await keyOf({ id: { $lt: 1 } }),
      await keyOf({ name: { $like: 'a' } }),
      await keyOf({ name: /a/ }),
      await keyOf({}, { orderBy: { name: 'asc', id: 'asc' } }),
      await keyOf({}, { orderBy: { id: 'asc', name: 'asc' } }),
      await keyOf({}, { limit: 1 }),
    ];
    expect(new Set(different).size).toBe(different.length);
  });

  it.each([
    ['undefined', { username: undefined }, '$.username'],
    ['undefined in a list', { $or: [{ username: 'ann' }, { username: undefined }] }, '$.$or[1].username'],
    ['undefined in an operator', { id: { $gt: undefined } }, '$.id.$gt'],
    ['no condition', undefined, '$'],
    ['an empty condition', {}, '$'],
    ['raw SQL', { name: raw('x') }, '$.name'],
    ['a function', { name: () => 'x' }, '$.name'],
  ])('%s is refused at the call', async (_, condition, path) => {
    const { users, queries } = await startMikroOrmApp(postgres.server);
    await queries('account');
    const failure: unknown = await users.get(condition as never).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UnkeyableArgumentError);
    expect(failure).toMatchObject({ path, job: 'default.User.get', index: 0 });
    expect(await queries('account')).toBe(0);
  });

  it.each(['lockMode', 'cache', 'ctx', 'where'])('the option %s is refused', async (option) => {
    const { users } = await startMikroOrmApp(postgres.server);
    const failure: unknown = await users.filter({ id: 1 }, { [option]: 1 }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ path: `$.${option}`, index: 1 });
  });
});

describe('what readers get', () => {
  it('is their own, and can be changed and persisted', async () => {
    const { users, fork } = await startMikroOrmApp(postgres.server);
    await users.get({ id: 1 });
    const mine = await users.get({ id: 1 });
    mine.name = 'Anna';
    expect((await users.get({ id: 1 })).name).toBe('Ann');
    const em = fork();
    em.persist(mine);
    await em.flush();
    expect((await fork().findOneOrFail(User, 1)).name).toBe('Anna');
    await expect.poll(async () => (await users.get({ id: 1 })).name).toBe('Anna');
    const merged = fork();
    merged.merge(await users.get({ id: 1 })).name = 'Anne';
    await merged.flush();
    expect((await fork().findOneOrFail(User, 1)).name).toBe('Anne');
    expect((await users.getJob.peek({ id: 1 }))?.value).toBeInstanceOf(User);
  });

  it('does not reach the entity manager of the reader', async () => {
    const { users, fork } = await startMikroOrmApp(postgres.server);
    await users.get({ id: 1 });
    const em = fork();
    await em.nativeUpdate(User, { id: 1 }, { name: 'Anna' });
    await users.get({ id: 1 });
    expect((await em.findOneOrFail(User, 1)).name).toBe('Anna');
  });

  it('with readOnly is one frozen row for all', async () => {
    const { users } = await startMikroOrmApp(postgres.server, { feature: { readOnly: true } });
    const populate = { populate: ['orders'] } as never;
    await users.get({ id: 1 }, populate);
    const [one, other] = [await users.get({ id: 1 }, populate), await users.get({ id: 1 }, populate)];
    expect(one).toBe(other);
    expect(() => (one.name = 'x')).toThrow(TypeError);
    expect(() => (one.profile = null)).toThrow(TypeError);
    expect(() => (one.orders[0]!.total = '1')).toThrow(TypeError);
    expect([one.greeting(), one.orders.length]).toEqual(['Hello Ann', 2]);
  });
});

describe('jobs that take the model', () => {
  @Injectable()
  class Staff extends EntityFilterJob<User> {
    ttl = 300;
    constructor() {
      super(User);
    }
  }

  it('are providers as values, from factories, and as subclasses', async () => {
    const ORDERS = Symbol('orders');
    const providers = [
      { provide: EntityGetJob, useValue: new EntityGetJob(User, { name: 'UserByValue', ttl: '5m' }) },
      { provide: ORDERS, useFactory: () => new EntityFilterJob(Order, { name: 'OrdersByFactory' }) },
      Staff,
    ];
    const { app, cache, queries } = await startMikroOrmApp(postgres.server, { providers });
    await queries('account');
    for (let read = 0; read < 5; read++) {
      expect((await app.get<EntityGetJob<User>>(EntityGetJob).get({ username: 'ann' })).greeting()).toBe('Hello Ann');
      expect((await app.get(Staff).filter({ isStaff: true })).map(({ name }) => name)).toEqual(['Ann']);
      expect(await app.get<EntityFilterJob<Order>>(ORDERS).filter()).toHaveLength(2);
    }
    expect(await queries('account')).toBe(2);
    expect(cache.jobs().map(({ name }) => name)).toEqual(
      expect.arrayContaining(['UserByValue', 'OrdersByFactory', 'Staff', 'default.User.get']),
    );
  });

  it('of an entity that the data source does not know do not let the application start', async () => {
    class Stranger {
      id!: number;
    }
    const start = (options: EntityJobOptions) =>
      startMikroOrmApp(postgres.server, {
        providers: [{ provide: 'job', useValue: new EntityGetJob(Stranger, options) }],
      });
    await expect(start({})).rejects.toThrow(/reads Stranger, which the data source 'default' does not know/);
    await expect(start({ dataSource: 'archive' })).rejects.toThrow(/'archive', which this application does not have/);
  });
});

it('filters that the caller added to its entity manager do not reach a cached read', async () => {
  const { app, users } = await startMikroOrmApp(postgres.server);
  const orm = app.get(MikroORM);
  await RequestContext.create(orm.em, async () => {
    orm.em.getContext().addFilter({ name: 'staff', cond: { isStaff: true }, entity: [User], default: true });
    expect(await orm.em.count(User)).toBe(1);
    expect(await users.count()).toBe(2);
    expect(await users.filter()).toHaveLength(2);
  });
});
