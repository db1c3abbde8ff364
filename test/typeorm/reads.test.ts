import { ConfigurationError, UnkeyableArgumentError } from 'nestjs-async-cache';
import {
  EntityFilterJob,
  EntityGetJob,
  type EntityJobOptions,
  getCachedRepositoryToken,
  type CachedRepository,
} from 'nestjs-async-cache/typeorm';
import { And, Between, EntityNotFoundError, Equal, In, IsNull, LessThan, Like, MoreThan, Not, Or, Raw } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { Injectable } from '@nestjs/common';
import { Address, Everything, Order, Profile, User } from './support/entities.js';
import { usePostgres } from '../orm/support/postgres.js';
import { startOrmApp } from './support/orm-app.js';

const postgres = usePostgres();

describe('get', () => {
  it('ten reads are one query, and return the row as an instance with its methods', async () => {
    const { users, dataSource, queries } = await startOrmApp(postgres.server);
    const expected = await dataSource.manager.findOneByOrFail(User, { username: 'ann' });
    await queries('account');
    for (let read = 0; read < 10; read++) expect(await users.get({ username: 'ann' })).toEqual(expected);
    expect(await queries('account')).toBe(1);
    const ann = await users.get({ username: 'ann' });
    expect(ann).toBeInstanceOf(User);
    expect([ann.greeting(), ann.shout, ann.createdAt.getTime()]).toEqual([
      'Hello Ann',
      'ANN',
      expected.createdAt.getTime(),
    ]);
  });

  it('a row that is not there is the error of the ORM, on each read', async () => {
    const { users, queries } = await startOrmApp(postgres.server);
    await queries('account');
    for (let read = 0; read < 2; read++) {
      await expect(users.get({ username: 'nobody' })).rejects.toBeInstanceOf(EntityNotFoundError);
    }
    expect(await queries('account')).toBe(2);
  });

  it('relations come as instances', async () => {
    const { users } = await startOrmApp(postgres.server);
    const read = () => users.get({ username: 'ann' }, { relations: { profile: true, orders: true, roles: true } });
    await read();
    const { profile, orders, roles } = await read();
    expect(profile).toBeInstanceOf(Profile);
    expect(orders.map((order) => order.describe()).sort()).toEqual(['10.50 €', '20.00 €']);
    expect(roles.map(({ name }) => name)).toEqual(['admin']);
  });

  it('every kind of column is equal to what the ORM gives', async () => {
    const { app, dataSource } = await startOrmApp(postgres.server);
    const everything = app.get<CachedRepository<Everything>>(getCachedRepositoryToken(Everything), { strict: false });
    const { manager } = dataSource;
    const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
    await manager.save(
      manager.create(Everything, {
        id,
        big: '9007199254740993',
        decimal: '0.1000',
        double: 0.1,
        at: new Date('2026-03-29T02:30:00Z'),
        local: new Date(2026, 0, 1),
        day: '2026-02-28',
        time: '23:59:59',
        bytes: Buffer.from([0, 255]),
        json: { a: [1, null, { b: 'ü' }] },
        simple: { c: 1 },
        list: ['x', 'y'],
        numbers: [3, 1, 2],
        color: 'green',
        interval: '1 day 02:03:04',
        point: '(1,2)',
        nothing: null,
        set: new Set(['s', 't']),
        address: Object.assign(new Address(), { street: 'Ring' }),
      }),
    );
    const expected = await manager.findOneByOrFail(Everything, { id });
    await everything.get({ id });
    const got = await everything.get({ id });
    expect(got).toEqual(expected);
    expect(got).toBeInstanceOf(Everything);
    expect(got.address.line()).toBe('Ring 1');
    expect(Buffer.isBuffer(got.bytes)).toBe(true);
    expect(got.set.has('t')).toBe(true);
  });
});

describe('filter and count', () => {
  it('ten reads are one query, with operators', async () => {
    const { users, dataSource, queries } = await startOrmApp(postgres.server);
    await dataSource.manager.insert(
      User,
      ['Foo', 'Foobar', 'Bar'].map((name) => ({ name, username: name })),
    );
    await queries('account');
    for (let read = 0; read < 10; read++) {
      const found = await users.filter({ name: Like('Foo%') }, { order: { name: 'ASC' }, take: 20 });
      expect(found.map(({ name }) => name)).toEqual(['Foo', 'Foobar']);
      expect(await users.count({ name: Like('Foo%') })).toBe(2);
    }
    expect(await queries('account')).toBe(2);
    expect(await users.filter({ name: 'nobody' })).toEqual([]);
    expect(await users.filter()).toHaveLength(5);
    expect(await users.count()).toBe(5);
  });

  it('each operator finds what it finds in the ORM', async () => {
    const { users, dataSource } = await startOrmApp(postgres.server);
    const conditions = [
      { username: In(['ann', 'x']) },
      { username: Not('ann') },
      { username: Not(In(['ann'])) },
      { age: IsNull() },
      { age: Not(IsNull()) },
      { age: MoreThan(29) },
      { age: Between(29, 31) },
      { age: Or(IsNull(), And(MoreThan(1), LessThan(99))) },
      { createdAt: LessThan(new Date('2100-01-01')) },
      { username: Equal('bob') },
      { profile: { city: Like('G%') } },
      [{ username: 'ann' }, { username: 'bob' }],
    ];
    for (const where of conditions) {
      const expected = await dataSource.manager.find(User, { where, order: { id: 'ASC' } });
      expect(await users.filter(where, { order: { id: 'ASC' } })).toEqual(expected);
    }
  });
});

describe('keys', () => {
  it('are made of what operators mean', async () => {
    const { users } = await startOrmApp(postgres.server);
    const keyOf = async (...args: Parameters<typeof users.filter>) => (await users.filterJob.explain(...args)).key;
    expect(await keyOf({ id: In([1, 2]) })).toBe(await keyOf({ id: In([2, 1, 1]) }));
    expect(await keyOf({ id: Equal(1) })).toBe(await keyOf({ id: 1 }));
    expect(await keyOf({ id: 1, name: 'a' })).toBe(await keyOf({ name: 'a', id: 1 }));
    const different = [
      await keyOf({ id: In([1, 2]) }),
      await keyOf({ id: In([1, 3]) }),
      await keyOf({ id: Not(1) }),
      await keyOf({ id: 1 }),
      await keyOf({ id: IsNull() }),
      await keyOf({ id: MoreThan(1) }),
      await keyOf({ id: LessThan(1) }),
      await keyOf({ name: Like('a') }),
      await keyOf({ name: Not(Like('a')) }),
      await keyOf({ id: Between(1, 2) }),
      await keyOf({ id: Between(2, 1) }),
      await keyOf({}, { order: { name: 'ASC', id: 'ASC' } }),
      await keyOf({}, { order: { id: 'ASC', name: 'ASC' } }),
      await keyOf({}, { take: 1 }),
    ];
    expect(new Set(different).size).toBe(different.length);
  });

  it.each([
    ['undefined', { username: undefined }, '$.username'],
    ['undefined in a list', [{ username: 'ann' }, { username: undefined }], '$[1].username'],
    ['undefined in an operator', { id: Not(undefined as never) }, '$.id.not'],
    ['no condition', undefined, '$'],
    ['an empty condition', {}, '$'],
    ['an empty list', [], '$'],
    ['Raw', { id: Raw((alias) => `${alias} > 1`) }, '$.id'],
    ['Raw inside Not', { id: Not(Raw('1')) }, '$.id.not'],
    ['a function', { name: (() => 'x') as never }, '$.name'],
  ])('%s is refused at the call', async (_, where, path) => {
    const { users, queries } = await startOrmApp(postgres.server);
    await queries('account');
    const failure: unknown = await users.get(where as never).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UnkeyableArgumentError);
    expect(failure).toMatchObject({ path, job: 'default.User.get', index: 0 });
    expect(await queries('account')).toBe(0);
  });

  it.each(['lock', 'cache', 'where'])('the option %s is refused', async (option) => {
    const { users } = await startOrmApp(postgres.server);
    const failure: unknown = await users.filter({ id: 1 }, { [option]: { id: 1 } }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ path: `$.${option}`, index: 1 });
  });
});

describe('what readers get', () => {
  it('is their own, and can be changed and saved', async () => {
    const { users, dataSource } = await startOrmApp(postgres.server);
    await users.get({ id: 1 });
    const mine = await users.get({ id: 1 });
    mine.name = 'Anna';
    expect((await users.get({ id: 1 })).name).toBe('Ann');
    await dataSource.manager.save(mine);
    await expect.poll(async () => (await users.getJob.read({ id: 1 })).value.name).toBe('Anna');
    expect((await users.getJob.read({ id: 1 })).status).toBe('hit');
  });

  it('with readOnly is one frozen row for all', async () => {
    const { users } = await startOrmApp(postgres.server, { feature: { readOnly: true } });
    await users.get({ id: 1 });
    const [one, other] = [await users.get({ id: 1 }), await users.get({ id: 1 })];
    expect(one).toBe(other);
    expect(() => (one.name = 'x')).toThrow(TypeError);
  });
});

describe('jobs that take the model', () => {
  const userJob = new EntityGetJob(User, { ttl: '5m' });

  @Injectable()
  class Staff extends EntityFilterJob<User> {
    ttl = 300;
    constructor() {
      super(User);
    }
  }

  it('are providers as values, from factories, and as subclasses', async () => {
    const ORDERS = Symbol('orders');
    const Start = [
      { provide: EntityGetJob, useValue: new EntityGetJob(User, { name: 'UserByValue', ttl: '5m' }) },
      { provide: ORDERS, useFactory: () => new EntityFilterJob(Order, { name: 'OrdersByFactory' }) },
      Staff,
    ];
    const { app, cache, queries } = await startOrmApp(postgres.server, { providers: Start });
    await queries('account');
    const users = app.get<EntityGetJob<User>>(EntityGetJob);
    const staff = app.get(Staff);
    for (let read = 0; read < 5; read++) {
      expect((await users.get({ username: 'ann' })).greeting()).toBe('Hello Ann');
      expect((await staff.filter({ isStaff: true })).map(({ name }) => name)).toEqual(['Ann']);
      expect(await app.get<EntityFilterJob<Order>>(ORDERS).filter()).toHaveLength(2);
    }
    expect(await queries('account')).toBe(2);
    expect(await queries('purchase')).toBe(1);
    expect(cache.jobs().map(({ name }) => name)).toEqual(
      expect.arrayContaining(['UserByValue', 'OrdersByFactory', 'Staff']),
    );
  });

  it('of one entity and different options need names of their own', async () => {
    const providers = [
      { provide: 'one', useValue: userJob },
      { provide: 'other', useValue: new EntityGetJob(User, { ttl: '6m' }) },
    ];
    await expect(startOrmApp(postgres.server, { providers })).rejects.toThrow(ConfigurationError);
  });

  it('of an entity that the data source does not know do not let the application start', async () => {
    class Stranger {
      id!: number;
    }
    const start = (options: EntityJobOptions) =>
      startOrmApp(postgres.server, {
        providers: [{ provide: 'job', useValue: new EntityGetJob(Stranger, options) }],
      });
    await expect(start({})).rejects.toThrow(/reads Stranger, which the data source 'default' does not know/);
    await expect(start({ dataSource: 'archive' })).rejects.toThrow(/'archive', which this application does not have/);
  });
});
