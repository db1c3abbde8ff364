import 'reflect-metadata';
import { eq, inArray } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, timestamp } from 'drizzle-orm/pg-core';
import { AsyncCacheDrizzleModule, getCachedTableToken } from 'nestjs-async-cache/drizzle';
import { given, serve } from '../../orm/support/serve.mjs';

const accounts = pgTable('account', {
  id: integer().primaryKey(),
  balance: integer().notNull(),
  at: timestamp({ withTimezone: true }).notNull(),
});

const database = { provide: 'DB', useFactory: () => drizzle(given.databaseUrl, { schema: { accounts } }) };

class DatabaseModule {}
const databases = { module: DatabaseModule, providers: [database], exports: ['DB'] };

const imports = [
  databases,
  AsyncCacheDrizzleModule.forFeature(['accounts'], { database: 'DB', imports: [databases], ttl: '1h' }),
];

await serve(imports, (app) => {
  const db = app.get('DB', { strict: false });
  const cached = app.get(getCachedTableToken('accounts'), { strict: false });
  const withDouble = ({ value, ...reading }) => ({ ...reading, value: { ...value, double: () => value.balance * 2 } });
  const update = (within, id, balance) => within.update(accounts).set({ balance }).where(eq(accounts.id, id));
  return {
    // Rows of Drizzle have no methods.
    repository: {
      getJob: { read: async ({ id }) => withDouble(await cached.getJob.read({ where: eq(accounts.id, id) })) },
      filterJob: { read: (where) => cached.filterJob.read({ where }) },
    },
    anyOf: (ids) => inArray(accounts.id, ids),
    save: (id, balance) => db.transaction((tx) => update(tx, id, balance)),
    update: async (id, balance) => update(db, id, balance),
    rollBack: (id, balance) =>
      db.transaction(async (tx) => {
        await tx.transaction((savepoint) => update(savepoint, id, balance));
        throw new Error('no');
      }),
  };
});
