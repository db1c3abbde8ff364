import { and, eq, type SQL } from 'drizzle-orm';
import {
  AsyncCacheDrizzleModule,
  EntityFilterJob,
  EntityGetJob,
  type EntityJobOptions,
  getCachedTableToken,
} from 'nestjs-async-cache/drizzle';
import type { OrmUnderTest, RowReads } from '../../orm/support/orm-under-test.js';
import { type Database, DB, startDrizzleApp } from './drizzle-app.js';
import { orders, users } from './schema.js';

type Job = Omit<EntityJobOptions, 'database'>;

/** Drizzle, as the shared suites need it. */
export const DRIZZLE: OrmUnderTest = {
  entity: 'users',
  token: getCachedTableToken('users'),
  notFound: { name: 'EntityNotFoundError', table: 'users' },
  down: /Failed query|ECONNREFUSED|terminat/,
  async start(server, parts) {
    const app = await startDrizzleApp(server, parts);
    const within = (transaction: unknown) => (transaction ?? app.db) as Database;
    return {
      ...app,
      users: app.users as unknown as RowReads,
      orders: app.orders as unknown as RowReads,
      rename: (id, name, transaction) => within(transaction).update(users).set({ name }).where(eq(users.id, id)),
      writeOther: (transaction) => within(transaction).update(orders).set({ total: '1' }),
      readOther: () => app.orders.filterJob.read(),
      remove: (id) => app.db.delete(users).where(eq(users.id, id)),
      add: (names) => app.db.insert(users).values(names.map((name) => ({ name, username: name }))),
      transaction: (work, outer) => within(outer).transaction(work),
    };
  },
  where(conditions) {
    if (conditions === undefined) return [];
    const each = Object.entries(conditions).map(([name, value]) => eq(users[name as 'id'], value as number));
    return [{ where: and(...each) as SQL }];
  },
  feature: (options) => AsyncCacheDrizzleModule.forFeature(['users'], { database: DB, ...options }),
  getJob: (options: Job) => new EntityGetJob<Database, 'users'>('users', { database: DB, ...options }),
  filterJob: (options: Job) => new EntityFilterJob<Database, 'users'>('users', { database: DB, ...options }),
};
