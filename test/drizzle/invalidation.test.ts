import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { describeTransactions } from '../orm/support/describe-transactions.js';
import { describeWrites } from '../orm/support/describe-writes.js';
import { fill } from '../orm/support/fill.js';
import { type DrizzleApp, startDrizzleApp } from './support/drizzle-app.js';
import { DRIZZLE } from './support/drizzle-under-test.js';
import { orders, profiles, users as table } from './support/schema.js';

const ann = { where: eq(table.id, 1) };
const bob = { where: eq(table.id, 2) };
const rename = { name: 'Anna' };

function filled({ users, orders: purchases }: DrizzleApp) {
  return fill({
    ann: () => users.getJob.read(ann),
    annWithProfile: () => users.getJob.read({ ...ann, with: { profile: true } }),
    annWithOrders: () => users.getJob.read({ ...ann, with: { orders: true } }),
    bob: () => users.getJob.read(bob),
    all: () => users.filterJob.read(),
    count: () => users.countJob.read(ann),
    orders: () => purchases.filterJob.read(),
  });
}

type Names = Awaited<ReturnType<Awaited<ReturnType<typeof filled>>>>;
const USERS: Names = ['ann', 'annWithProfile', 'annWithOrders', 'bob', 'all', 'count'];

describeWrites<DrizzleApp, Names[number]>(DRIZZLE, {
  start: startDrizzleApp,
  filled,
  ofBob: ['bob', 'all', 'count'],
  ofUsers: USERS,
  reported: [
    ['update: every read of the table', ({ db }) => db.update(table).set(rename).where(eq(table.id, 2)), USERS],
    ['insert', ({ db }) => db.insert(table).values({ username: 'new', name: 'New' }), USERS],
    ['insert that returns', ({ db }) => db.insert(table).values({ username: 'n', name: 'N' }).returning(), USERS],
    [
      'insert with onConflictDoUpdate',
      ({ db }) =>
        db
          .insert(table)
          .values({ username: 'bob', name: 'B' })
          .onConflictDoUpdate({ target: table.username, set: rename }),
      USERS,
    ],
    [
      'delete, with what the database deletes along',
      ({ db }) => db.delete(table).where(eq(table.id, 2)),
      [...USERS, 'orders'],
    ],
    [
      'a row that was read through a relation',
      ({ db }) => db.update(profiles).set({ city: 'Linz' }),
      ['annWithProfile'],
    ],
    [
      'a row that joins a relation',
      ({ db }) => db.insert(orders).values({ total: '1', userId: 1 }),
      ['annWithOrders', 'orders'],
    ],
    [
      'a prepared statement',
      ({ db }) => db.update(table).set(rename).where(eq(table.id, 2)).prepare('rename').execute(),
      USERS,
    ],
    ['a transaction', ({ db }) => db.transaction((tx) => tx.update(table).set(rename).where(eq(table.id, 1))), USERS],
  ],
  unreported: [
    ['execute of raw SQL', ({ db }) => db.execute(sql`UPDATE account SET name = 'Anna'`)],
    ['the pool', ({ pool }) => pool.query(`UPDATE account SET name = 'Anna'`)],
    ['another database of Drizzle on the pool', ({ pool }) => drizzle(pool).update(table).set(rename)],
    [
      'a writing WITH before a select',
      ({ db }) => {
        const changed = db.$with('changed').as(db.update(table).set(rename).returning());
        return db.with(changed).select().from(changed);
      },
    ],
    [
      'a key that the database passes on to rows that refer to it',
      async ({ server, database, db }) => {
        await server.query(
          `ALTER TABLE account DROP CONSTRAINT account_profile_id_fkey,
           ADD FOREIGN KEY (profile_id) REFERENCES profile ON UPDATE CASCADE`,
          database,
        );
        await db.update(profiles).set({ id: 9 });
      },
    ],
  ],
  writeProfile: ({ db }) => db.update(profiles).set({ city: 'Linz' }),
});

describeTransactions(DRIZZLE);
