import { Injectable } from '@nestjs/common';
import { and, asc, between, desc, eq, exists, gt, ilike, inArray, isNull, like, ne, not, or, sql } from 'drizzle-orm';
import { type CachedTable, EntityFilterJob, getCachedTableToken } from 'nestjs-async-cache/drizzle';
import { expect, it } from 'vitest';
import { describeReads } from '../orm/support/describe-reads.js';
import { usePostgres } from '../orm/support/postgres.js';
import { type Database, DB, type DrizzleApp, startDrizzleApp } from './support/drizzle-app.js';
import { DRIZZLE } from './support/drizzle-under-test.js';
import { everything, orders, users as table } from './support/schema.js';

const postgres = usePostgres();

const subquery = ({ db }: DrizzleApp) => db.select().from(orders).where(eq(orders.userId, table.id));

describeReads<DrizzleApp>(DRIZZLE, {
  ask: ({ db }, kind, [args]) =>
    kind === 'get' ? db.query.users.findFirst(args as object) : db.query.users.findMany(args as object),
  conditions: () =>
    [
      inArray(table.username, ['ann', 'x']),
      ne(table.username, 'ann'),
      not(inArray(table.id, [1])),
      isNull(table.age),
      between(table.age, 29, 31),
      or(isNull(table.age), and(gt(table.age, 1), like(table.name, 'A%'))),
      ilike(table.name, 'ANN'),
      sql`lower(${table.name}) = ${'ann'}`,
    ].map((where) => [{ where, orderBy: table.id }]),
  same: () => [
    [[{ where: inArray(table.id, [1, 2]) }], [{ where: inArray(table.id, [2, 1, 1]) }]],
    [[{ where: eq(table.id, 1) }], [{ where: eq(table.id, 1) }]],
    [[{ limit: undefined }], []],
    [[{}], []],
  ],
  different: () => [
    [],
    [{ where: eq(table.id, 1) }],
    [{ where: eq(table.id, 2) }],
    [{ where: ne(table.id, 1) }],
    [{ where: eq(table.age, 1) }],
    [{ where: inArray(table.id, [1]) }],
    [{ where: sql`${table.id} = 1` }],
    [{ orderBy: [asc(table.id), asc(table.name)] }],
    [{ orderBy: [asc(table.name), asc(table.id)] }],
    [{ limit: 1 }],
    [{ with: { orders: true } }],
    [{ columns: { name: true } }],
  ],
  refused: [
    ['no arguments', () => [], '$.where'],
    ['no where', () => [{}], '$.where'],
    ['a where that is undefined', () => [{ where: undefined }], '$.where'],
    ['a comparison with undefined', () => [{ where: eq(table.id, undefined as never) }], '$.where'],
    ['a function', () => [{ where: () => eq(table.id, 1) }], '$.where'],
    ['a placeholder', () => [{ where: eq(table.id, sql.placeholder('id')) }], '$.where'],
    ['a query in a query', (app) => [{ where: exists(subquery(app)) }], '$.where'],
  ],
});

it('a where of undefined is refused by filter and count, too', async () => {
  const { users } = await startDrizzleApp(postgres.server);
  await expect(users.filter({ where: undefined as never })).rejects.toThrow(/any row/);
  await expect(users.count({ where: undefined as never })).rejects.toThrow(/any row/);
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
  expect(expected?.at).toBeInstanceOf(Date);
});

it('a subclass of a job is a provider', async () => {
  @Injectable()
  class Staff extends EntityFilterJob<Database, 'users'> {
    ttl = 300;
    constructor() {
      super('users', { database: DB });
    }
  }
  const { app, cache, queries } = await startDrizzleApp(postgres.server, { providers: [Staff] });
  await queries('account');
  for (let read = 0; read < 3; read++) {
    expect((await app.get(Staff).filter({ where: eq(table.isStaff, true) })).map(({ name }) => name)).toEqual(['Ann']);
  }
  expect(await queries('account')).toBe(1);
  expect(cache.jobs().map(({ name }) => name)).toContain('Staff');
});
