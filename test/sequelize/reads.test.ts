import { Injectable } from '@nestjs/common';
import { ConfigurationError } from 'nestjs-async-cache';
import {
  type CachedRepository,
  EntityFilterJob,
  EntityGetJob,
  type EntityJobOptions,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/sequelize';
import { col, type FindOptions, fn, literal, Op, where } from 'sequelize';
import { Model } from 'sequelize-typescript';
import { describe, expect, it } from 'vitest';
import { usePostgres } from '../orm/support/postgres.js';
import { Everything, Order, Profile, Role, User } from './support/models.js';
import { type SequelizeApp, startSequelizeApp } from './support/sequelize-app.js';
import { COLUMN_VALUES } from '../orm/support/column-values.js';
import { describeReads } from '../orm/support/describe-reads.js';
import { SEQUELIZE } from './support/sequelize-under-test.js';

const postgres = usePostgres();
const plain = (row: Model) => row.get({ plain: true }) as object;

describeReads<SequelizeApp>(SEQUELIZE, {
  plain: (value) => (Array.isArray(value) ? (value as Model[]).map(plain) : plain(value as Model)),
  ask(_, kind, [conditions, options]) {
    const find = { where: conditions, ...(options as object | undefined) } as FindOptions;
    return kind === 'get' ? User.findOne(find) : User.findAll(find);
  },
  conditions: () =>
    [
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
    ].map((each) => [each, { order: [['id', 'ASC']] }]),
  same: () => [
    [[{ id: [1, 2] }], [{ id: { [Op.in]: [2, 1, 1] } }]],
    [[{ id: { [Op.eq]: 1 } }], [{ id: 1 }]],
    [[{ id: 1, name: 'a' }], [{ name: 'a', id: 1 }]],
  ],
  different: () => [
    [{ id: [1, 2] }],
    [{ id: [1, 3] }],
    [{ id: { [Op.ne]: 1 } }],
    [{ id: 1 }],
    [{ id: { [Op.is]: null } }],
    [{ id: { [Op.gt]: 1 } }],
    [{ id: { [Op.lt]: 1 } }],
    [{ name: { [Op.like]: 'a' } }],
    [{ name: { [Op.notLike]: 'a' } }],
    [{ id: { [Op.between]: [1, 2] } }],
    [{ id: { [Op.between]: [2, 1] } }],
    [{ name: { [Op.eq]: literal('a') } }],
    [{ name: { [Op.eq]: col('a') } }],
    [
      {},
      {
        order: [
          ['name', 'ASC'],
          ['id', 'ASC'],
        ],
      },
    ],
    [
      {},
      {
        order: [
          ['id', 'ASC'],
          ['name', 'ASC'],
        ],
      },
    ],
    [{}, { include: [Profile] }],
    [{}, { include: [Order] }],
    [{}, { limit: 1 }],
  ],
  refused: [
    ['undefined', () => [{ username: undefined }], '$.username'],
    ['undefined in a list', () => [[{ username: 'ann' }, { username: undefined }]], '$[1].username'],
    ['undefined in an operator', () => [{ id: { [Op.gt]: undefined } }], '$.id[Symbol(gt)]'],
    ['no condition', () => [undefined], '$'],
    ['an empty condition', () => [{}], '$'],
    ['an empty list', () => [[]], '$'],
    ['a row', () => [{ id: User.build({ id: 1 }) }], '$.id'],
    ['a function', () => [{ name: () => 'x' }], '$.name'],
    ...(['lock', 'transaction', 'where', 'logging', 'rejectOnEmpty'] as const).map(
      (option) => [`the option ${option}`, () => [{ id: 1 }, { [option]: { id: 1 } }], `$.${option}`, 1] as const,
    ),
  ],
});

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
      ...COLUMN_VALUES,
      id,
      range: [1, 5],
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
  it('members of included models are found as in the ORM', async () => {
    const { users } = await startSequelizeApp(postgres.server);
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

  it('is a provider as a subclass', async () => {
    const { app, cache } = await startSequelizeApp(postgres.server, { providers: [Staff] });
    expect((await app.get(Staff).filter({ isStaff: true })).map((row) => row.greeting())).toEqual(['Hello Ann']);
    expect(cache.jobs().map(({ name }) => name)).toContain('Staff');
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
