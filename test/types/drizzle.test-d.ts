import { eq } from 'drizzle-orm';
import type { Reading } from 'nestjs-async-cache';
import { AsyncCacheDrizzleModule, type CachedTable, EntityFilterJob, EntityGetJob } from 'nestjs-async-cache/drizzle';
import { describe, expectTypeOf, it } from 'vitest';
import { type Database, DB } from '../drizzle/support/drizzle-app.js';
import { type orders, users as table } from '../drizzle/support/schema.js';

type User = typeof table.$inferSelect;
type Order = typeof orders.$inferSelect;

declare const db: Database;
declare const users: CachedTable<Database, 'users'>;
const ann = { where: eq(table.id, 1) };

describe('a cached table has the types of Drizzle', () => {
  it('results by their arguments', () => {
    expectTypeOf(users.get(ann)).resolves.toEqualTypeOf<User>();
    expectTypeOf(users.get({ ...ann, columns: { name: true } })).resolves.toEqualTypeOf<{ name: string }>();
    expectTypeOf(users.get({ ...ann, with: { orders: true } })).resolves.toExtend<User & { orders: Order[] }>();
    expectTypeOf(users.filter()).resolves.toEqualTypeOf<User[]>();
    expectTypeOf(users.filter({ columns: { id: true }, limit: 1 })).resolves.toEqualTypeOf<{ id: number }[]>();
    expectTypeOf(users.count(ann)).resolves.toEqualTypeOf<number>();
    expectTypeOf(users.getJob.read(ann)).resolves.toEqualTypeOf<Reading<User>>();
    const query = { columns: { name: true }, with: { profile: true } } as const;
    expectTypeOf(async () => users.filter(query)).toEqualTypeOf(async () => db.query.users.findMany(query));
  });

  it('wrong fields do not compile', () => {
    // @ts-expect-error no such column
    void users.get({ ...ann, columns: { nickname: true } });
    // @ts-expect-error no such relation
    void users.filter({ with: { friends: true } });
    // @ts-expect-error no such column in the related table
    void users.filter({ with: { orders: { columns: { nickname: true } } } });
    // @ts-expect-error a limit is a number
    void users.filter({ limit: 'ten' });
    // @ts-expect-error conditions are SQL
    void users.get({ where: 'id = 1' });
    // @ts-expect-error conditions are needed
    void users.get({});
    // @ts-expect-error counts have conditions only
    void users.count({ limit: 1 });
    // @ts-expect-error a text is no id
    void eq(table.id, 'one');
  });

  it('wrong tables do not compile', () => {
    // @ts-expect-error no such table
    type Strangers = CachedTable<Database, 'strangers'>;
    expectTypeOf<Strangers>().not.toBeAny();
  });
});

describe('tables by their names', () => {
  it('need a database', () => {
    AsyncCacheDrizzleModule.forFeature(['users'], { database: DB, ttl: '10m' });
    // @ts-expect-error the database is needed
    AsyncCacheDrizzleModule.forFeature(['users'], { ttl: 60 });
    // @ts-expect-error no such option
    AsyncCacheDrizzleModule.forFeature(['users'], { database: DB, tll: 60 });
  });

  it('jobs are typed by the database and the table', () => {
    const job = new EntityGetJob<Database, 'users'>('users', { database: DB });
    expectTypeOf(job.get(ann)).resolves.toEqualTypeOf<User>();
    const staff = new EntityFilterJob<Database, 'users'>('users', { database: DB, ttl: 60 });
    expectTypeOf(staff.filter({ where: eq(table.isStaff, true) })).resolves.toEqualTypeOf<User[]>();
    // @ts-expect-error conditions are SQL
    void job.get({ where: 'id = 1' });
    // @ts-expect-error another table than the type says
    new EntityGetJob<Database, 'users'>('orders', { database: DB });
  });
});
