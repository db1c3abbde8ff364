import { Injectable } from '@nestjs/common';
import { and, asc, between, desc, eq, exists, gt, ilike, inArray, isNull, like, ne, not, or, sql } from 'drizzle-orm';
import { UnkeyableArgumentError } from 'nestjs-async-cache';
import {
  type CachedTable,
  EntityFilterJob,
  EntityGetJob,
  EntityNotFoundError,
  getCachedTableToken,
} from 'nestjs-async-cache/drizzle';
import { describe, expect, it } from 'vitest';
import { usePostgres } from '../orm/support/postgres.js';
import { type Database, DB, startDrizzleApp } from './support/drizzle-app.js';
import { everything, orders, users as table } from './support/schema.js';

const postgres = usePostgres();
const ann = { where: eq(table.id, 1) };

it('ten reads are one query, and return the row', async () => {
  const { users, db, queries } = await startDrizzleApp(postgres.server);
  const expected = await db.query.users.findFirst(ann);
  await queries('account');
  for (let read = 0; read < 10; read++) expect(await users.get({ where: eq(table.username, 'ann') })).toEqual(expected);
  expect(await queries('account')).toBe(1);
  expect((await users.get(ann)).createdAt).toBeInstanceOf(Date);
});

it('a row that is not there is an EntityNotFoundError, on each read', async () => {
  const { users, queries } = await startDrizzleApp(postgres.server);
  await queries('account');
  for (let read = 0; read < 2; read++) {
    await expect(users.get({ where: eq(table.username, 'nobody') })).rejects.toBeInstanceOf(EntityNotFoundError);
  }
  expect(await queries('account')).toBe(2);
});

it('columns, with, orderBy and limit', async () => {
  const { users, db } = await startDrizzleApp(postgres.server);
  const query = {
    columns: { name: true },
    with: {
      profile: true,
      orders: { where: gt(orders.total, '15'), columns: { total: true }, orderBy: desc(orders.id) },
    },
    orderBy: [asc(table.isStaff), asc(table.id)],
    limit: 5,
  } as const;
  const expected = await db.query.users.findMany({ ...query, orderBy: [...query.orderBy] });
  for (let read = 0; read < 2; read++) {
    const found = await users.filter({ ...query, orderBy: [...query.orderBy] });
    expect(found).toEqual(expected);
    expect(found.find(({ name }) => name === 'Ann')?.orders).toEqual([{ total: '20' }]);
  }
});

it('every kind of column is equal to what Drizzle gives', async () => {
  const { app, db } = await startDrizzleApp(postgres.server);
  const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
  await db.insert(everything).values({
    id,
    big: 9007199254740993n,
    decimal: '0.10',
    at: new Date('2026-03-29T02:30:00Z'),
    local: '2026-01-01 00:00:00',
    bytes: Buffer.from([0, 255]),
    json: { a: [1, null, { b: 'ü' }] },
    list: ['x', 'y'],
  });
  const cached = app.get<CachedTable<Database, 'everything'>>(getCachedTableToken('everything'), { strict: false });
  const where = and(eq(everything.id, id), eq(everything.big, 9007199254740993n), gt(everything.at, new Date(0)))!;
  const expected = await db.query.everything.findFirst({ where });
  await cached.get({ where });
  expect(await cached.get({ where })).toEqual(expected);
  expect(expected?.big).toBe(9007199254740993n);
});

it('each condition finds what it finds in Drizzle', async () => {
  const { users, db } = await startDrizzleApp(postgres.server);
  const conditions = [
    inArray(table.username, ['ann', 'x']),
    ne(table.username, 'ann'),
    not(inArray(table.id, [1])),
    isNull(table.age),
    between(table.age, 29, 31),
    or(isNull(table.age), and(gt(table.age, 1), like(table.name, 'A%'))),
    ilike(table.name, 'ANN'),
    sql`lower(${table.name}) = ${'ann'}`,
  ];
  for (const where of conditions) {
    const expected = await db.query.users.findMany({ where, orderBy: table.id });
    for (let read = 0; read < 2; read++) {
      expect(await users.filter({ where: where!, orderBy: table.id })).toEqual(expected);
      expect(await users.count({ where: where! })).toBe(expected.length);
    }
  }
  expect(await users.count()).toBe(2);
});

describe('keys', () => {
  it('are made of what SQL means', async () => {
    const { users } = await startDrizzleApp(postgres.server);
    const keyOf = async (args?: Parameters<typeof users.filterJob.get>[0]) => (await users.filterJob.explain(args)).key;
    expect(await keyOf({ where: inArray(table.id, [1, 2]) })).toBe(
      await keyOf({ where: inArray(table.id, [2, 1, 1]) }),
    );
    expect(await keyOf({ where: eq(table.id, 1) })).toBe(await keyOf({ where: eq(table.id, 1) }));
    expect(await keyOf({})).toBe(await keyOf());
    const different = [
      await keyOf(),
      await keyOf({ where: eq(table.id, 1) }),
      await keyOf({ where: eq(table.id, 2) }),
      await keyOf({ where: ne(table.id, 1) }),
      await keyOf({ where: eq(table.age, 1) }),
      await keyOf({ where: inArray(table.id, [1]) }),
      await keyOf({ where: sql`${table.id} = 1` }),
      await keyOf({ orderBy: [asc(table.id), asc(table.name)] }),
      await keyOf({ orderBy: [asc(table.name), asc(table.id)] }),
      await keyOf({ limit: 1 }),
      await keyOf({ with: { orders: true } }),
      await keyOf({ columns: { name: true } }),
    ];
    expect(new Set(different).size).toBe(different.length);
  });

  it('what cannot be keyed is refused', async () => {
    const { users, db } = await startDrizzleApp(postgres.server);
    const subquery = db.select().from(orders).where(eq(orders.userId, table.id));
    for (const [args, path] of [
      [undefined, '$.where'],
      [{}, '$.where'],
      [{ where: undefined }, '$.where'],
      [{ where: eq(table.id, undefined as never) }, '$.where[2]'],
      [{ where: () => eq(table.id, 1) }, '$.where'],
      [{ where: eq(table.id, sql.placeholder('id')) }, '$.where[2]'],
      [{ where: exists(subquery) }, '$.where'],
    ] as const) {
      const failure: unknown = await users.get(args as never).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(UnkeyableArgumentError);
      expect((failure as UnkeyableArgumentError).path.startsWith(path.slice(0, 7))).toBe(true);
    }
    await expect(users.filter({ where: undefined as never })).rejects.toThrow(/any row/);
    await expect(users.count({ where: undefined as never })).rejects.toThrow(/any row/);
  });
});

it('readers have rows of their own; with readOnly they share a frozen one', async () => {
  const { users } = await startDrizzleApp(postgres.server);
  await users.get(ann);
  (await users.get(ann)).name = 'Anna';
  expect((await users.get(ann)).name).toBe('Ann');
  const frozen = await startDrizzleApp(postgres.server, { feature: { readOnly: true } });
  await frozen.users.get(ann);
  expect(await frozen.users.get(ann)).toBe(await frozen.users.get(ann));
});

it('jobs take the table', async () => {
  @Injectable()
  class Staff extends EntityFilterJob<Database, 'users'> {
    ttl = 300;
    constructor() {
      super('users', { database: DB });
    }
  }
  const job = new EntityGetJob<Database, 'users'>('users', { database: DB, name: 'UserByValue' });
  const { app, queries } = await startDrizzleApp(postgres.server, {
    providers: [Staff, { provide: 'job', useValue: job }],
  });
  await queries('account');
  for (let read = 0; read < 3; read++) {
    expect((await app.get(Staff).filter({ where: eq(table.isStaff, true) })).map(({ name }) => name)).toEqual(['Ann']);
    expect((await job.get(ann)).name).toBe('Ann');
  }
  expect(await queries('account')).toBe(2);
});
