import {
  type CachedRepository,
  EntityFilterJob,
  EntityGetJob,
  type EntityJobOptions,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/typeorm';
import { And, Between, Equal, In, IsNull, LessThan, Like, MoreThan, Not, Or, Raw } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { Injectable } from '@nestjs/common';
import { describeReads } from '../orm/support/describe-reads.js';
import { usePostgres } from '../orm/support/postgres.js';
import { Address, Everything, Profile, User } from './support/entities.js';
import { type OrmApp, startOrmApp } from './support/orm-app.js';
import { TYPEORM } from './support/typeorm-under-test.js';

const postgres = usePostgres();

describeReads<OrmApp>(TYPEORM, {
  ask({ dataSource: { manager } }, kind, [where, options]) {
    const find = { where: where as object, ...(options as object | undefined) };
    return kind === 'get' ? manager.findOneOrFail(User, find) : manager.find(User, find);
  },
  conditions: () =>
    [
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
      { username: Like('a%') },
      { profile: { city: Like('G%') } },
      [{ username: 'ann' }, { username: 'bob' }],
    ].map((where) => [where, { order: { id: 'ASC' } }]),
  same: () => [
    [[{ id: In([1, 2]) }], [{ id: In([2, 1, 1]) }]],
    [[{ id: Equal(1) }], [{ id: 1 }]],
    [[{ id: 1, name: 'a' }], [{ name: 'a', id: 1 }]],
  ],
  different: () => [
    [{ id: In([1, 2]) }],
    [{ id: In([1, 3]) }],
    [{ id: Not(1) }],
    [{ id: 1 }],
    [{ id: IsNull() }],
    [{ id: MoreThan(1) }],
    [{ id: LessThan(1) }],
    [{ name: Like('a') }],
    [{ name: Not(Like('a')) }],
    [{ id: Between(1, 2) }],
    [{ id: Between(2, 1) }],
    [{}, { order: { name: 'ASC', id: 'ASC' } }],
    [{}, { order: { id: 'ASC', name: 'ASC' } }],
    [{}, { take: 1 }],
  ],
  refused: [
    ['undefined', () => [{ username: undefined }], '$.username'],
    ['undefined in a list', () => [[{ username: 'ann' }, { username: undefined }]], '$[1].username'],
    ['undefined in an operator', () => [{ id: Not(undefined as never) }], '$.id.not'],
    ['no condition', () => [undefined], '$'],
    ['an empty condition', () => [{}], '$'],
    ['an empty list', () => [[]], '$'],
    ['Raw', () => [{ id: Raw((alias) => `${alias} > 1`) }], '$.id'],
    ['Raw inside Not', () => [{ id: Not(Raw('1')) }], '$.id.not'],
    ['a function', () => [{ name: () => 'x' }], '$.name'],
    ['the option lock', () => [{ id: 1 }, { lock: { mode: 'pessimistic_read' } }], '$.lock', 1],
    ['the option cache', () => [{ id: 1 }, { cache: true }], '$.cache', 1],
    ['the option where', () => [{ id: 1 }, { where: { id: 1 } }], '$.where', 1],
  ],
});

it('rows are instances with their methods and getters', async () => {
  const { users, dataSource } = await startOrmApp(postgres.server);
  const expected = await dataSource.manager.findOneByOrFail(User, { username: 'ann' });
  await users.get({ username: 'ann' });
  const ann = await users.get({ username: 'ann' });
  expect(ann).toBeInstanceOf(User);
  const members = ['Hello Ann', 'ANN', expected.createdAt.getTime()];
  expect([ann.greeting(), ann.shout, ann.createdAt.getTime()]).toEqual(members);
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

it('what a reader got can be saved', async () => {
  const { users, dataSource } = await startOrmApp(postgres.server);
  await users.get({ id: 1 });
  const mine = await users.get({ id: 1 });
  mine.name = 'Anna';
  await dataSource.manager.save(mine);
  await expect.poll(async () => (await users.getJob.read({ id: 1 })).value.name).toBe('Anna');
  expect((await users.getJob.read({ id: 1 })).status).toBe('hit');
});

describe('a job that takes the model', () => {
  @Injectable()
  class Staff extends EntityFilterJob<User> {
    ttl = 300;
    constructor() {
      super(User);
    }
  }

  it('is a provider as a subclass', async () => {
    const { app, cache, queries } = await startOrmApp(postgres.server, { providers: [Staff] });
    await queries('account');
    const staff = app.get(Staff);
    for (let read = 0; read < 5; read++) {
      expect((await staff.filter({ isStaff: true })).map((user) => user.greeting())).toEqual(['Hello Ann']);
    }
    expect(await queries('account')).toBe(1);
    expect(cache.jobs().map(({ name }) => name)).toContain('Staff');
  });

  it('and an entity that the data source does not know, does not let the application start', async () => {
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
