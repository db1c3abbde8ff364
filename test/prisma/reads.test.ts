import { Injectable } from '@nestjs/common';
import { ConfigurationError, UnkeyableArgumentError } from 'nestjs-async-cache';
import { type CachedDelegate, EntityFilterJob, EntityGetJob, getCachedDelegateToken } from 'nestjs-async-cache/prisma';
import { skip } from '@prisma/client/runtime/client';
import { describe, expect, it } from 'vitest';
import { usePostgres } from '../orm/support/postgres.js';
import { Prisma, type PrismaClient } from './support/generated/ts/client.js';
import { PrismaService, startPrismaApp } from './support/prisma-app.js';

const postgres = usePostgres();

describe('get', () => {
  it('ten reads are one query, and return the row', async () => {
    const { users, prisma, queries } = await startPrismaApp(postgres.server);
    const expected = await prisma.user.findUniqueOrThrow({ where: { username: 'ann' } });
    await queries('account');
    for (let read = 0; read < 10; read++) expect(await users.get({ where: { username: 'ann' } })).toEqual(expected);
    expect(await queries('account')).toBe(1);
  });

  it('a row that is not there is the error of Prisma, on each read', async () => {
    const { users, prisma, queries } = await startPrismaApp(postgres.server);
    await queries('account');
    for (const where of [{ username: 'nobody' }, { name: 'nobody' }]) {
      const expected = await prisma.user.findFirstOrThrow({ where }).catch((error: unknown) => error);
      for (let read = 0; read < 2; read++) {
        const failure = await users.get({ where }).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(Prisma.PrismaClientKnownRequestError);
        expect(failure).toMatchObject({ code: (expected as { code: string }).code });
      }
    }
    expect(await queries('account')).toBe(6);
  });

  it('by any conditions, and by compound keys', async () => {
    const { users, prisma } = await startPrismaApp(postgres.server);
    const expected = await prisma.user.findUniqueOrThrow({ where: { id: 1 } });
    for (let read = 0; read < 2; read++) {
      expect(await users.get({ where: { name: 'Ann' } })).toEqual(expected);
      expect(await users.get({ where: { name_age: { name: 'Ann', age: 30 } } })).toEqual(expected);
      expect(await users.get({ where: { name: 'Ann', age: 30 } })).toEqual(expected);
      expect(await users.get({ where: { isStaff: false }, orderBy: { id: 'desc' } })).toMatchObject({ id: 2 });
      expect(await users.get({ where: { id: 1, isStaff: true } })).toEqual(expected);
    }
  });

  it('select, include and omit', async () => {
    const { users, prisma, queries } = await startPrismaApp(postgres.server);
    const include = { profile: true, orders: { orderBy: { id: 'asc' } }, roles: true, _count: true } as const;
    const select = { name: true, orders: { select: { total: true }, where: { total: { gt: 15 } } } } as const;
    const where = { id: 1 };
    const expected = await Promise.all([
      prisma.user.findUniqueOrThrow({ where, include }),
      prisma.user.findUniqueOrThrow({ where, select }),
      prisma.user.findUniqueOrThrow({ where, omit: { name: true } }),
    ]);
    await queries('account');
    for (let read = 0; read < 3; read++) {
      const included = await users.get({ where, include });
      expect(included).toEqual(expected[0]);
      expect(included.orders.map(({ total }) => total.plus(1).toFixed(2))).toEqual(['11.50', '21.00']);
      expect(included.profile?.city).toBe('Graz');
      expect(await users.get({ where, select })).toEqual(expected[1]);
      expect(await users.get({ where, omit: { name: true } })).toEqual(expected[2]);
    }
    expect(await queries('account')).toBe(3);
  });

  it('every kind of field is equal to what Prisma gives', async () => {
    const { app, prisma } = await startPrismaApp(postgres.server);
    const token = getCachedDelegateToken('everything');
    const everything = app.get<CachedDelegate<PrismaClient['everything']>>(token, { strict: false });
    const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
    await prisma.everything.create({
      data: {
        id,
        big: 9007199254740993n,
        decimal: '0.1000000001',
        double: 0.1,
        at: new Date('2026-03-29T02:30:00Z'),
        day: new Date('2026-02-28'),
        bytes: new Uint8Array([0, 255]),
        json: { a: [1, null, { b: 'ü' }] },
        list: ['x', 'y'],
        color: 'green',
      },
    });
    const expected = await prisma.everything.findUniqueOrThrow({ where: { id } });
    await everything.get({ where: { id } });
    const got = await everything.get({ where: { id } });
    expect(got).toEqual(expected);
    expect(got.decimal).toBeInstanceOf(Prisma.Decimal);
    expect(got.decimal.times(10).toString()).toBe('1.000000001');
    expect([typeof got.big, got.at instanceof Date]).toEqual(['bigint', true]);
    expect(got.bytes.constructor).toBe(expected.bytes.constructor);
    // Decimals, dates and nulls of Prisma in conditions.
    for (let read = 0; read < 2; read++) {
      expect(await everything.count({ where: { decimal: new Prisma.Decimal('0.1000000001') } })).toBe(1);
      expect(await everything.count({ where: { json: { equals: Prisma.DbNull } } })).toBe(0);
      expect(await everything.count({ where: { json: { not: Prisma.DbNull } } })).toBe(1);
      expect(await everything.count({ where: { at: { lt: new Date('2026-04-01') }, big: { gt: 1n } } })).toBe(1);
    }
  });
});

describe('filter and count', () => {
  it('ten reads are one query', async () => {
    const { users, prisma, queries } = await startPrismaApp(postgres.server);
    await prisma.user.createMany({ data: ['Foo', 'Foobar', 'Bar'].map((name) => ({ name, username: name })) });
    await queries('account');
    const where = { name: { startsWith: 'Foo' } };
    for (let read = 0; read < 10; read++) {
      const found = await users.filter({ where, orderBy: { name: 'asc' }, take: 20 });
      expect(found.map(({ name }) => name)).toEqual(['Foo', 'Foobar']);
      expect(await users.count({ where })).toBe(2);
    }
    expect(await queries('account')).toBe(2);
    expect(await users.filter({ where: { name: 'nobody' } })).toEqual([]);
    expect(await users.filter()).toHaveLength(5);
    expect(await users.count()).toBe(5);
  });

  it('each condition finds what it finds in Prisma', async () => {
    const { users, prisma } = await startPrismaApp(postgres.server);
    const conditions: Prisma.UserWhereInput[] = [
      { username: { in: ['ann', 'x'] } },
      { username: { notIn: ['ann'] } },
      { username: { not: 'ann' } },
      { username: { equals: 'ANN', mode: 'insensitive' } },
      { age: null },
      { age: { not: null } },
      { age: { gte: 29, lt: 31 } },
      { OR: [{ age: null }, { age: 30 }], NOT: { username: 'bob' } },
      { createdAt: { lt: new Date('2100-01-01') } },
      { profile: { city: { startsWith: 'G' } } },
      { profile: null },
      { orders: { some: { total: { gt: new Prisma.Decimal(15) } } } },
      { orders: { none: {} } },
      { roles: { every: { name: 'admin' } } },
    ];
    for (const where of conditions) {
      const expected = await prisma.user.findMany({ where, orderBy: { id: 'asc' } });
      for (let read = 0; read < 2; read++) {
        expect(await users.filter({ where, orderBy: { id: 'asc' } })).toEqual(expected);
        expect(await users.count({ where })).toBe(expected.length);
      }
    }
  });
});

describe('keys', () => {
  it('are made of what arguments mean', async () => {
    const { users } = await startPrismaApp(postgres.server);
    const keyOf = async (args?: Prisma.UserFindManyArgs): Promise<string> => (await users.filterJob.explain(args)).key;
    const byId = (id: Prisma.IntFilter | number): Promise<string> => keyOf({ where: { id } });
    expect(await byId({ in: [1, 2] })).toBe(await byId({ in: [2, 1, 1] }));
    expect(await byId({ equals: 1 })).toBe(await byId(1));
    expect(await keyOf({ where: { id: 1, name: 'a' } })).toBe(await keyOf({ where: { name: 'a', id: 1 } }));
    expect(await keyOf({ where: { id: 1, name: skip as never } })).toBe(await byId(1));
    expect(await keyOf({ orderBy: { id: 'asc' } })).toBe(await keyOf({ orderBy: [{ id: 'asc' }] }));
    expect(await keyOf({ take: undefined as never })).toBe(await keyOf());
    expect(await keyOf({})).toBe(await keyOf());
    const different = [
      await byId({ in: [1, 2] }),
      await byId({ in: [1, 3] }),
      await byId({ notIn: [1, 2] }),
      await byId({ not: 1 }),
      await byId(1),
      await byId({ gt: 1 }),
      await byId({ lt: 1 }),
      await keyOf({ where: { name: { startsWith: 'a' } } }),
      await keyOf({ where: { name: { startsWith: 'a', mode: 'insensitive' } } }),
      await keyOf({ where: { age: null } }),
      await keyOf({ where: { NOT: { id: 1 } } }),
      await keyOf({ orderBy: [{ name: 'asc' }, { id: 'asc' }] }),
      await keyOf({ orderBy: [{ id: 'asc' }, { name: 'asc' }] }),
      await keyOf({ take: 1 }),
      await keyOf({ include: { orders: true } }),
      await keyOf({ include: { orders: { take: 1 } } }),
      await keyOf({ select: { name: true } }),
    ];
    expect(new Set(different).size).toBe(different.length);
  });

  it.each([
    ['undefined', { where: { username: undefined } }, '$.where.username'],
    [
      'undefined in a list',
      { where: { OR: [{ username: 'ann' }, { username: undefined }] } },
      '$.where.OR[1].username',
    ],
    ['undefined in a filter', { where: { id: { gt: undefined } } }, '$.where.id.gt'],
    ['undefined in a relation', { where: { id: 1, profile: { city: undefined } } }, '$.where.profile.city'],
    [
      'undefined in an include',
      { where: { id: 1 }, include: { orders: { where: undefined } } },
      '$.include.orders.where',
    ],
    ['a where that is undefined', { where: undefined }, '$.where'],
    ['no arguments', undefined, '$.where'],
    ['no where', {}, '$.where'],
    ['an empty where', { where: {} }, '$.where'],
    ['what is no object', 'ann', '$'],
    ['a function', { where: { name: () => 'x' } }, '$.where.name'],
  ])('%s is refused at the call', async (_, args, path) => {
    const { users, queries } = await startPrismaApp(postgres.server);
    await queries('account');
    const failure: unknown = await users.get(args as never).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UnkeyableArgumentError);
    expect(failure).toMatchObject({ path, job: 'default.User.get', index: 0 });
    expect(await queries('account')).toBe(0);
  });

  it('undefined is refused by filter and count, too; references to fields, and several counts in one', async () => {
    const { users, prisma } = await startPrismaApp(postgres.server);
    await expect(users.filter({ where: { username: undefined as never } })).rejects.toThrow(/any row/);
    await expect(users.filter({ where: undefined as never })).rejects.toThrow(/any row/);
    await expect(users.count({ where: { NOT: { age: undefined as never } } })).rejects.toThrow(/any row/);
    await expect(users.count({ select: { id: true } } as never)).rejects.toThrow(/several counts/);
    const reference = { where: { name: { equals: prisma.user.fields.username } } };
    await expect(users.filter(reference)).rejects.toThrow(UnkeyableArgumentError);
  });
});

describe('what readers get', () => {
  it('is their own, and can be changed', async () => {
    const { users } = await startPrismaApp(postgres.server);
    await users.get({ where: { id: 1 } });
    const mine = await users.get({ where: { id: 1 } });
    mine.name = 'Anna';
    expect((await users.get({ where: { id: 1 } })).name).toBe('Ann');
  });

  it('with readOnly is one frozen row for all', async () => {
    const { users } = await startPrismaApp(postgres.server, { feature: { readOnly: true } });
    await users.get({ where: { id: 1 } });
    const [one, other] = [await users.get({ where: { id: 1 } }), await users.get({ where: { id: 1 } })];
    expect(one).toBe(other);
    expect(() => (one.name = 'x')).toThrow(TypeError);
  });

  it('is fetched anew with another version', async () => {
    const [one, two] = [
      await startPrismaApp(postgres.server),
      await startPrismaApp(postgres.server, { feature: { version: 2 } }),
    ];
    const keyOf = async ({ users }: typeof one): Promise<string> =>
      (await users.getJob.explain({ where: { id: 1 } })).key;
    expect(await keyOf(two)).not.toBe(await keyOf(one));
  });
});

describe('jobs that take the model', () => {
  type User = PrismaClient['user'];
  const client = PrismaService;

  @Injectable()
  class Staff extends EntityFilterJob<User> {
    ttl = 300;
    constructor() {
      super('user', { client });
    }
  }

  it('are providers as values, from factories, and as subclasses', async () => {
    const ORDERS = Symbol('orders');
    const providers = [
      { provide: EntityGetJob, useValue: new EntityGetJob<User>('user', { client, name: 'UserByValue', ttl: '5m' }) },
      { provide: ORDERS, useFactory: () => new EntityFilterJob('order', { client, name: 'OrdersByFactory' }) },
      Staff,
    ];
    const { app, cache, queries } = await startPrismaApp(postgres.server, { providers });
    await queries('account');
    const users = app.get<EntityGetJob<User>>(EntityGetJob);
    for (let read = 0; read < 5; read++) {
      expect((await users.get({ where: { username: 'ann' } })).name).toBe('Ann');
      expect((await app.get(Staff).filter({ where: { isStaff: true } })).map(({ name }) => name)).toEqual(['Ann']);
      expect(await app.get<EntityFilterJob<PrismaClient['order']>>(ORDERS).filter()).toHaveLength(2);
    }
    expect(await queries('account')).toBe(2);
    expect(await queries('purchase')).toBe(1);
    expect(cache.jobs().map(({ name }) => name)).toEqual(
      expect.arrayContaining(['UserByValue', 'OrdersByFactory', 'Staff', 'default.User.get']),
    );
  });

  it('of one model and different options need names of their own', async () => {
    const providers = (['5m', '6m'] as const).map((ttl) => ({
      provide: ttl,
      useValue: new EntityGetJob<User>('user', { client, ttl, name: 'Same' }),
    }));
    await expect(startPrismaApp(postgres.server, { providers })).rejects.toThrow(ConfigurationError);
  });
});
