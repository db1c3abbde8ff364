import { drizzle } from 'drizzle-orm/node-postgres';
import { boolean, integer, numeric, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { AsyncCacheDrizzleModule, EntityFilterJob, getCachedTableToken } from '../../dist/drizzle/index.js';
import { ormSubject } from '../harness/orm-subject.mjs';

const accounts = pgTable('account', {
  id: integer().primaryKey(),
  name: text().notNull(),
  email: text().notNull(),
  balance: numeric({ precision: 12, scale: 2 }).notNull(),
  active: boolean().notNull(),
  at: timestamp({ withTimezone: true }).notNull(),
});

const filter = { orderBy: accounts.id };

export default ormSubject('Drizzle', (connectionString) => {
  const pool = new pg.Pool({ connectionString });
  const db = drizzle(pool, { schema: { accounts } });
  class DatabaseModule {
    onApplicationShutdown() {
      return pool.end();
    }
  }
  const database = {
    module: DatabaseModule,
    global: true,
    providers: [{ provide: 'DB', useValue: db }],
    exports: ['DB'],
  };
  return {
    imports: [database, AsyncCacheDrizzleModule.forFeature(['accounts'], { database: 'DB', ttl: '1h' })],
    shared: new EntityFilterJob('accounts', { database: 'DB', name: 'Shared', ttl: '1h', readOnly: true }),
    repository: getCachedTableToken('accounts'),
    filter: [filter],
    queries: () => ({ rows: () => db.query.accounts.findMany(filter) }),
  };
});
