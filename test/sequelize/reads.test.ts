import { Injectable } from '@nestjs/common';
import { ConfigurationError, UnkeyableArgumentError } from 'nestjs-async-cache';
import {
  type CachedRepository,
  EntityFilterJob,
  EntityGetJob,
  type EntityJobOptions,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/sequelize';
import { col, EmptyResultError, fn, literal, Op, where } from 'sequelize';
import { Model } from 'sequelize-typescript';
import { describe, expect, it } from 'vitest';
import { usePostgres } from '../orm/support/postgres.js';
import { Everything, Order, Profile, Role, User } from './support/models.js';
import { startSequelizeApp } from './support/sequelize-app.js';

const postgres = usePostgres();
const plain = (row: Model) => row.get({ plain: true }) as object;

describe('get', () => {
  it('ten reads are one query, and return the row as an instance with its methods', async () => {
    const { users, queries } = await startSequelizeApp(postgres.server);
    const expected = await User.findOne({ where: { username: 'ann' } });
    await queries('account');
    for (let read = 0; read < 10; read++) {
      expect(plain(await users.get({ username: 'ann' }))).toEqual(plain(expected!));
    }
    expect(await queries('account')).toBe(1);
    const ann = await users.get({ username: 'ann' });
    expect(ann).toBeInstanceOf(User);
    expect([ann.greeting(), ann.shout, ann.createdAt.getTime(), ann.isNewRecord, ann.changed()]).toEqual([
      'Hello Ann',
      'ANN',
      expected!.createdAt.getTime(),
      false,
      false,
    ]);
    expect(JSON.stringify(ann)).toBe(JSON.stringify(expected));
  });

  it('a row that is not there is the error of the ORM, on each read', async () => {
    const { users, queries } = await startSequelizeApp(postgres.server);
    await queries('account');
    for (let read = 0; read < 2; read++) {
      await expect(users.get({ username: 'nobody' })).rejects.toThrow(EmptyResultError);
    }
    expect(await queries('account')).toBe(2);
    expect(await users.getJob.peek({ username: 'nobody' })).toBeUndefined();
  });

  it('included rows come as instances, with links', async () => {
    const { users } = await startSequelizeApp(postgres.server);
    const options = {
      include: [Profile, { model: Order, separate: false }, 'roles'],
      order: [['orders', 'id', 'ASC']],
    };
    const expected = await User.findOne({ where: { id: 1 }, ...(options as object) });
    await users.get({ id: 1 }, options as never);
    const ann = await users.get({ id: 1 }, options as never);
    expect(plain(ann)).toEqual(plain(expected!));
    expect(ann.profile).toBeInstanceOf(Profile);
    expect(ann.orders.map((order) => order.describe())).toEqual(['10.50 €', '20.00 €']);
    expect(ann.roles[0]).toBeInstanceOf(Role);
    expect(JSON.stringify(ann)).toBe(JSON.stringify(expected));
    const bob = await users.get({ id: 2 }, options as never);
    const again = await users.get({ id: 2 }, options as never);
    for (const row of [bob, again]) expect([row.profile, row.orders, row.roles]).toEqual([null, [], []]);
    const order = await (await Order.findByPk(1))!.reload({ include: [{ model: User, include: [Profile] }] });
    expect(order.user!.profile!.city).toBe('Graz');
  });

  it('columns of each type are equal to those of the ORM', async () => {
    const { app } = await startSequelizeApp(postgres.server);
    const everything = app.get<CachedRepository<Everything>>(getCachedRepositoryToken(Everything), { strict: false });
    const id = '7D444840-9DC0-11D1-B245-5FFDCE74FAD2'.toLowerCase();
    await Everything.create({
      id,
      big: '9007199254740993',
      decimal: '12345678901234567890.123',
      double: 0.1,
      at: new Date('2026-03-29T01:30:00.123Z'),
      day: '2026-02-28',
      time: '23:59:59',
      bytes: Buffer.from([0, 255]),
      json: { a: [1, null, { b: 'ü' }] },
      numbers: [3, 1, 2],
      range: [1, 5],
      color: 'green',
      nothing: null,
      labels: new Set(['s', 't']),
    });
    const expected = await Everything.findByPk(id);
    await everything.get({ id });
    const got = await everything.get({ id });
    expect(got.dataValues).toEqual(expected!.dataValues);
    expect(plain(got)).toEqual(plain(expected!));
    expect(Buffer.isBuffer(got.bytes)).toBe(true);
    expect(got.at).toBeInstanceOf(Date);
    expect(got.labels.has('t')).toBe(true);
    expect(got.when).toBe('2026-02-28 23:59:59');
  });
});

describe('filter and count', () => {
  it('ten reads are one query, with operators', async () => {
    const { users, queries } = await startSequelizeApp(postgres.server);
    await User.bulkCreate(['Foo', 'Foobar', 'Bar'].map((name) => ({ name, username: name })));
    await queries('account');
    for (let read = 0; read < 10; read++) {
      const found = await users.filter({ name: { [Op.like]: 'Foo%' } }, { order: [['name', 'ASC']], limit: 20 });
      expect(found.map(({ name }) => name)).toEqual(['Foo', 'Foobar']);
      expect(await users.count({ name: { [Op.like]: 'Foo%' } })).toBe(2);
    }
    expect(await queries('account')).toBe(2);
    expect(await users.filter({ name: 'nobody' })).toEqual([]);
    expect(await users.filter()).toHaveLength(5);
    expect(await users.count()).toBe(5);
  });

  it('each operator finds what it finds in the ORM', async () => {
    const { users } = await startSequelizeApp(postgres.server);
    const conditions = [
      { username: ['ann', 'x'] },
      { username: { [Op.in]: ['ann', 'x'] } },
      { username: { [Op.ne]: 'ann' } },
      { username: { [Op.notIn]: ['ann'] } },
      { age: null },
      { age: { [Op.is]: null } },
      { age: { [Op.gt]: 29, [Op.lt]: 31 } },
      { age: { [Op.between]: [29, 31] } },
      { age: { [Op.or]: [{ [Op.is]: null }, { [Op.lt]: 99 }] } },
      { createdAt: { [Op.lt]: new Date('2100-01-01') } },
      { username: { [Op.eq]: 'bob' } },
      { [Op.or]: [{ username: 'ann' }, { username: 'bob' }] },
      { [Op.and]: [where(fn('lower', col('username')), 'ann')] },
      { [Op.not]: { username: 'ann' } },
      { id: { [Op.in]: literal('(SELECT 1)') } },
    ];
    for (const each of conditions) {
      const expected = await User.findAll({ where: each as never, order: [['id', 'ASC']] });
      expect((await users.filter(each as never, { order: [['id', 'ASC']] })).map(plain)).toEqual(expected.map(plain));
    }
    const nested = { '$profile.city$': { [Op.like]: 'G%' } };
    expect((await users.filter(nested, { include: [Profile] })).map(({ name }) => name)).toEqual(['Ann']);
  });

  it('functions in attributes and raw rows', async () => {
    const { users } = await startSequelizeApp(postgres.server);
    const options = { attributes: ['isStaff', [fn('count', col('id')), 'n']], group: ['isStaff'], order: ['isStaff'] };
    for (let read = 0; read < 2; read++) {
      const rows = await users.filter({}, options as never);
      expect(rows.map((row) => [row.isStaff, row.get('n')])).toEqual([
        [false, '1'],
        [true, '1'],
      ]);
      expect(await users.filter({ id: 1 }, { raw: true, attributes: ['name'] } as never)).toEqual([{ name: 'Ann' }]);
    }
  });
});

describe('keys', () => {
  it('are made of what operators mean', async () => {
    const { users } = await startSequelizeApp(postgres.server);
    const keyOf = async (...args: Parameters<typeof users.filter>) => (await users.filterJob.explain(...args)).key;
    expect(await keyOf({ id: [1, 2] })).toBe(await keyOf({ id: { [Op.in]: [2, 1, 1] } }));
    expect(await keyOf({ id: { [Op.eq]: 1 } })).toBe(await keyOf({ id: 1 }));
    expect(await keyOf({ id: 1, name: 'a' })).toBe(await keyOf({ name: 'a', id: 1 }));
    const different = [
      await keyOf({ id: [1, 2] }),
      await keyOf({ id: [1, 3] }),
      await keyOf({ id: { [Op.ne]: 1 } }),
      await keyOf({ id: 1 }),
      await keyOf({ id: { [Op.is]: null } }),
      await keyOf({ id: { [Op.gt]: 1 } }),
      await keyOf({ id: { [Op.lt]: 1 } }),
      await keyOf({ name: { [Op.like]: 'a' } }),
      await keyOf({ name: { [Op.notLike]: 'a' } }),
      await keyOf({ id: { [Op.between]: [1, 2] } }),
      await keyOf({ id: { [Op.between]: [2, 1] } }),
      await keyOf({ name: { [Op.eq]: literal('a') } }),
      await keyOf({ name: { [Op.eq]: col('a') } }),
      await keyOf(
        {},
        {
          order: [
            ['name', 'ASC'],
            ['id', 'ASC'],
          ],
        },
      ),
      await keyOf(
        {},
        {
          order: [
            ['id', 'ASC'],
            ['name', 'ASC'],
          ],
        },
      ),
      await keyOf({}, { include: [Profile] }),
      await keyOf({}, { include: [Order] }),
      await keyOf({}, { limit: 1 }),
    ];
    expect(new Set(different).size).toBe(different.length);
  });

  it.each([
    ['undefined', { username: undefined }, '$.username'],
    ['undefined in a list', [{ username: 'ann' }, { username: undefined }], '$[1].username'],
    ['undefined in an operator', { id: { [Op.gt]: undefined } }, '$.id[Symbol(gt)]'],
    ['no condition', undefined, '$'],
    ['an empty condition', {}, '$'],
    ['an empty list', [], '$'],
    ['a row', { profileId: new Proxy({}, {}) }, undefined],
    ['a function', { name: () => 'x' }, '$.name'],
  ])('%s is refused at the call', async (_, condition, path) => {
    const { users, queries } = await startSequelizeApp(postgres.server);
    if (path === undefined)
      return expect(users.get({ id: (await User.findByPk(1)) as never })).rejects.toThrow(/a row/);
    await queries('account');
    const failure: unknown = await users.get(condition as never).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UnkeyableArgumentError);
    expect(failure).toMatchObject({ path, job: 'default.User.get', index: 0 });
    expect(await queries('account')).toBe(0);
  });

  it.each(['lock', 'transaction', 'where', 'logging', 'rejectOnEmpty'])('the option %s is refused', async (option) => {
    const { users } = await startSequelizeApp(postgres.server);
    const failure: unknown = await users.filter({ id: 1 }, { [option]: { id: 1 } }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ path: `$.${option}`, index: 1 });
  });
});

describe('what readers get', () => {
  it('is their own, and can be changed and saved', async () => {
    const { users } = await startSequelizeApp(postgres.server);
    await users.get({ id: 1 });
    const mine = await users.get({ id: 1 });
    mine.name = 'Anna';
    expect(mine.changed()).toEqual(['name']);
    expect((await users.get({ id: 1 })).name).toBe('Ann');
    await mine.save();
    await expect.poll(async () => (await users.getJob.read({ id: 1 })).value.name).toBe('Anna');
    expect((await users.getJob.read({ id: 1 })).status).toBe('hit');
    expect((await users.getJob.peek({ id: 1 }))?.value.greeting()).toBe('Hello Anna');
  });

  it('with readOnly is one frozen row for all', async () => {
    const { users } = await startSequelizeApp(postgres.server, { feature: { readOnly: true } });
    await users.get({ id: 1 }, { include: [Order] });
    const [one, other] = [
      await users.get({ id: 1 }, { include: [Order] }),
      await users.get({ id: 1 }, { include: [Order] }),
    ];
    expect(one).toBe(other);
    expect(() => (one.name = 'x')).toThrow(TypeError);
    expect(() => (one.orders[0]!.total = '1')).toThrow(TypeError);
    expect(() => one.orders.pop()).toThrow(TypeError);
    expect([one.name, one.greeting(), one.orders[0]?.describe()]).toEqual(['Ann', 'Hello Ann', '10.50 €']);
  });

  it('set by hand, and by another process, are instances', async () => {
    const { users } = await startSequelizeApp(postgres.server);
    const row = await users.get({ id: 1 });
    row.name = 'By hand';
    await users.getJob.set([{ id: 1 }], row);
    expect((await users.get({ id: 1 })).greeting()).toBe('Hello By hand');
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
    const { app, cache, queries } = await startSequelizeApp(postgres.server, { providers });
    await queries('account');
    await queries('purchase');
    for (let read = 0; read < 5; read++) {
      expect((await app.get<EntityGetJob<User>>(EntityGetJob).get({ username: 'ann' })).greeting()).toBe('Hello Ann');
      expect((await app.get(Staff).filter({ isStaff: true })).map(({ name }) => name)).toEqual(['Ann']);
      expect(await app.get<EntityFilterJob<Order>>(ORDERS).filter()).toHaveLength(2);
    }
    expect(await queries('account')).toBe(2);
    expect(await queries('purchase')).toBe(1);
    expect(cache.jobs().map(({ name }) => name)).toEqual(
      expect.arrayContaining(['UserByValue', 'OrdersByFactory', 'Staff', 'default.User.get']),
    );
  });

  it('of a model that the data source does not know do not let the application start', async () => {
    class Stranger extends Model {}
    const start = (options: EntityJobOptions) =>
      startSequelizeApp(postgres.server, {
        providers: [{ provide: 'job', useValue: new EntityGetJob(Stranger, options) }],
      });
    await expect(start({})).rejects.toThrow(/reads Stranger, which the data source 'default' does not know/);
    await expect(start({ dataSource: 'archive' })).rejects.toThrow(/'archive', which this application does not have/);
    await expect(start({})).rejects.toThrow(ConfigurationError);
  });
});
