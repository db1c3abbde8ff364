import { Injectable } from '@nestjs/common';
import { UnkeyableArgumentError } from 'nestjs-async-cache';
import { type CachedDelegate, EntityFilterJob, getCachedDelegateToken } from 'nestjs-async-cache/prisma';
import { skip } from '@prisma/client/runtime/client';
import { describe, expect, it } from 'vitest';
import { usePostgres } from '../orm/support/postgres.js';
import { Prisma, type PrismaClient } from './support/generated/ts/client.js';
import { type PrismaApp, PrismaService, startPrismaApp } from './support/prisma-app.js';
import { describeReads } from '../orm/support/describe-reads.js';
import { PRISMA } from './support/prisma-under-test.js';

const postgres = usePostgres();

const refused: readonly (readonly [string, unknown, string])[] = [
  ['undefined', { where: { username: undefined } }, '$.where.username'],
  ['undefined in a list', { where: { OR: [{ username: 'ann' }, { username: undefined }] } }, '$.where.OR[1].username'],
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
];

describeReads<PrismaApp>(PRISMA, {
  ask: ({ prisma }, kind, [args]) =>
    kind === 'get' ? prisma.user.findFirstOrThrow(args as object) : prisma.user.findMany(args as object),
  conditions: () =>
    [
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
    ].map((where) => [{ where, orderBy: { id: 'asc' } }]),
  same: () => [
    [[{ where: { id: { in: [1, 2] } } }], [{ where: { id: { in: [2, 1, 1] } } }]],
    [[{ where: { id: { equals: 1 } } }], [{ where: { id: 1 } }]],
    [[{ where: { id: 1, name: 'a' } }], [{ where: { name: 'a', id: 1 } }]],
    [[{ where: { id: 1, name: skip } }], [{ where: { id: 1 } }]],
    [[{ orderBy: { id: 'asc' } }], [{ orderBy: [{ id: 'asc' }] }]],
    [[{ take: undefined }], []],
    [[{}], []],
  ],
  different: () => [
    [{ where: { id: { in: [1, 2] } } }],
    [{ where: { id: { in: [1, 3] } } }],
    [{ where: { id: { notIn: [1, 2] } } }],
    [{ where: { id: { not: 1 } } }],
    [{ where: { id: 1 } }],
    [{ where: { id: { gt: 1 } } }],
    [{ where: { id: { lt: 1 } } }],
    [{ where: { name: { startsWith: 'a' } } }],
    [{ where: { name: { startsWith: 'a', mode: 'insensitive' } } }],
    [{ where: { age: null } }],
    [{ where: { NOT: { id: 1 } } }],
    [{ orderBy: [{ name: 'asc' }, { id: 'asc' }] }],
    [{ orderBy: [{ id: 'asc' }, { name: 'asc' }] }],
    [{ take: 1 }],
    [{ include: { orders: true } }],
    [{ include: { orders: { take: 1 } } }],
    [{ select: { name: true } }],
  ],
  refused: refused.map(([title, args, path]) => [title, () => [args], path]),
});

describe('get', () => {
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

describe('what readers get of Decimals', () => {
  it.each([true, false])('is shared and cannot be changed, whatever readOnly is: %s', async (readOnly) => {
    const { orders, prisma } = await startPrismaApp(postgres.server, { feature: { readOnly } });
    const filter = { orderBy: { id: 'asc' } } as const;
    const expected = await prisma.order.findMany(filter);
    const [missed, hit, other] = [
      await orders.filter(filter),
      await orders.filter(filter),
      await orders.filter(filter),
    ];
    // Else each hit would cost what a copy of all rows does.
    expect(hit === other).toBe(readOnly);
    for (const rows of [missed, hit]) {
      expect(rows).toEqual(expected);
      expect(rows[0]!.total).toBe(other[0]!.total);
      expect(() => Object.assign(rows[0]!.total, { s: -1 })).toThrow(TypeError);
      expect(() => rows[0]!.total.d.push(1)).toThrow(TypeError);
    }
    expect(hit[0]!.total.plus(1).times('2.5').toFixed(3)).toBe('28.750');
  });
});

describe('keys', () => {
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

it('a subclass of a job is a provider', async () => {
  @Injectable()
  class Staff extends EntityFilterJob<PrismaClient['user']> {
    ttl = 300;
    constructor() {
      super('user', { client: PrismaService });
    }
  }
  const { app, cache } = await startPrismaApp(postgres.server, { providers: [Staff] });
  expect((await app.get(Staff).filter({ where: { isStaff: true } })).map(({ name }) => name)).toEqual(['Ann']);
  expect(cache.jobs().map(({ name }) => name)).toContain('Staff');
});
