import { MikroORM, raw, RequestContext, wrap } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import {
  type CachedRepository,
  EntityFilterJob,
  EntityGetJob,
  type EntityJobOptions,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/mikro-orm';
import { describe, expect, it } from 'vitest';
import { usePostgres } from '../orm/support/postgres.js';
import { Address, Everything, Profile, User } from './support/entities.js';
import { type MikroOrmApp, startMikroOrmApp } from './support/mikro-orm-app.js';
import { COLUMN_VALUES } from '../orm/support/column-values.js';
import { describeReads } from '../orm/support/describe-reads.js';
import { MIKRO_ORM } from './support/mikro-orm-under-test.js';

const postgres = usePostgres();
const plain = (entity: object) => wrap(entity).toObject() as unknown;

/** A row with a column of each type. */
const EVERYTHING = {
  ...COLUMN_VALUES,
  id: '7d444840-9dc0-11d1-b245-5ffdce74fad2',
  bigint: 9007199254740993n,
  hidden: 'here',
  address: Object.assign(new Address(), { street: 'Ring' }),
};

describeReads<MikroOrmApp>(MIKRO_ORM, {
  plain: (value) => (Array.isArray(value) ? value.map(plain) : plain(value as object)),
  ask: ({ fork }, kind, [conditions, options]) =>
    kind === 'get'
      ? fork().findOneOrFail(User, conditions as object)
      : fork().find(User, conditions as object, options as object | undefined),
  conditions: () =>
    [
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
    ].map((each) => [each, { orderBy: { id: 'asc' } }]),
  same: ({ fork }) => [
    [[{ id: [1, 2] }], [{ id: { $in: [2, 1, 1] } }]],
    [[{ id: { $eq: 1 } }], [{ id: 1 }]],
    [[1], [{ id: 1 }]],
    [[{ id: 1, name: 'a' }], [{ name: 'a', id: 1 }]],
    [[{ profile: fork().getReference(Profile, 1) }], [{ profile: 1 }]],
  ],
  different: () => [
    [{ id: [1, 2] }],
    [{ id: [1, 3] }],
    [{ id: { $ne: 1 } }],
    [{ id: 1 }],
    [{ age: null }],
    [{ id: { $gt: 1 } }],
    [{ id: { $lt: 1 } }],
    [{ name: { $like: 'a' } }],
    [{ name: /a/ }],
    [{}, { orderBy: { name: 'asc', id: 'asc' } }],
    [{}, { orderBy: { id: 'asc', name: 'asc' } }],
    [{}, { limit: 1 }],
  ],
  refused: [
    ['undefined', () => [{ username: undefined }], '$.username'],
    ['undefined in a list', () => [{ $or: [{ username: 'ann' }, { username: undefined }] }], '$.$or[1].username'],
    ['undefined in an operator', () => [{ id: { $gt: undefined } }], '$.id.$gt'],
    ['no condition', () => [undefined], '$'],
    ['an empty condition', () => [{}], '$'],
    ['raw SQL', () => [{ name: raw('x') }], '$.name'],
    ['a function', () => [{ name: () => 'x' }], '$.name'],
    ...(['lockMode', 'cache', 'ctx', 'where'] as const).map(
      (option) => [`the option ${option}`, () => [{ id: 1 }, { [option]: 1 }], `$.${option}`, 1] as const,
    ),
  ],
});

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
    const em = fork();
    const { id } = em.create(Everything, EVERYTHING);
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

  it('is as if it had just been found: a flush writes what the reader changed, and nothing else', async () => {
    const { app, users, fork } = await startMikroOrmApp(postgres.server);
    const everything = app.get<CachedRepository<Everything>>(getCachedRepositoryToken(Everything), { strict: false });
    const em = fork();
    const { id } = em.create(Everything, EVERYTHING);
    await em.flush();
    const changes = async (change: (row: Everything, user: User) => void) => {
      const row = await everything.get({ id });
      const user = await users.get({ id: 1 }, { populate: ['profile', 'orders', 'roles'] as never });
      change(row, user);
      const reader = fork();
      reader.persist([row, user]);
      reader.getUnitOfWork().computeChangeSets();
      return reader
        .getUnitOfWork()
        .getChangeSets()
        .map(({ meta, payload }) => [meta.className, payload]);
    };
    for (let read = 0; read < 2; read++) expect(await changes(() => undefined)).toEqual([]);
    const changed = await changes((row, user) => {
      row.double = 0.2;
      user.orders[0]!.total = '1.00';
    });
    expect(changed).toEqual([
      ['Everything', { double: 0.2 }],
      ['Order', { total: '1.00' }],
    ]);
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

  it('is a provider as a subclass', async () => {
    const { app, cache } = await startMikroOrmApp(postgres.server, { providers: [Staff] });
    expect((await app.get(Staff).filter({ isStaff: true })).map((row) => row.greeting())).toEqual(['Hello Ann']);
    expect(cache.jobs().map(({ name }) => name)).toContain('Staff');
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
