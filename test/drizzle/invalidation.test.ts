import { eq, sql } from 'drizzle-orm';
import { ConfigurationError } from 'nestjs-async-cache';
import { AsyncCacheDrizzleModule, EntityGetJob } from 'nestjs-async-cache/drizzle';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fill } from '../orm/support/fill.js';
import { usePostgres } from '../orm/support/postgres.js';
import { startPostgres } from '../support/postgres-server.js';
import { DB, type DrizzleApp, startDrizzleApp } from './support/drizzle-app.js';
import { orders, profiles, users as table } from './support/schema.js';

const postgres = usePostgres();
const LATER = { queue: { delay: '1h' } } as const;
const FROZEN = { feature: LATER };
const ann = { where: eq(table.id, 1) };
const bob = { where: eq(table.id, 2) };

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
const rename = { name: 'Anna' };

describe('a write makes stale', () => {
  it.each<[string, (app: DrizzleApp) => Promise<unknown>, Names]>([
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
  ])('%s', async (_, write, expected) => {
    const app = await startDrizzleApp(postgres.server, FROZEN);
    const stale = await filled(app);
    await write(app);
    expect([...(await stale())].sort()).toEqual([...expected].sort());
  });

  it('with nothing written, nothing', async () => {
    const app = await startDrizzleApp(postgres.server, FROZEN);
    const stale = await filled(app);
    await app.db.select().from(table);
    expect(await stale()).toEqual([]);
  });
});

describe('a transaction', () => {
  it('invalidates after its commit and not before, and reads inside of it see its writes and store nothing', async () => {
    const { users, db } = await startDrizzleApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read(ann) });
    await db.transaction(async (tx) => {
      await tx.update(table).set(rename).where(eq(table.id, 1));
      expect((await users.getJob.peek(ann))?.status).toBe('fresh');
      expect((await users.get(ann)).name).toBe('Anna');
      expect(await users.count({ where: eq(table.name, 'Anna') })).toBe(1);
      expect(await users.filter({ where: eq(table.name, 'Anna') })).toHaveLength(1);
    });
    expect(await stale()).toEqual(['ann']);
    expect(await users.filterJob.peek({ where: eq(table.name, 'Anna') })).toBeUndefined();
  });

  it('that rolls back invalidates nothing, savepoints included', async () => {
    const { users, db } = await startDrizzleApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read(ann) });
    const failing = db.transaction(async (tx) => {
      await tx.transaction((inner) => inner.update(table).set(rename));
      expect((await users.getJob.peek(ann))?.status).toBe('fresh');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await expect(db.transaction(async (tx) => tx.rollback())).rejects.toThrow();
    expect(await stale()).toEqual([]);
  });

  it('a savepoint that is rolled back in a transaction that commits invalidates nothing of its own', async () => {
    const { users, orders: purchases, db } = await startDrizzleApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read(ann), orders: () => purchases.filterJob.read() });
    await db.transaction(async (tx) => {
      await tx.update(orders).set({ total: '1' });
      const inner = tx.transaction(async (savepoint) => {
        await savepoint.update(table).set(rename);
        throw new Error('no');
      });
      await inner.catch(() => undefined);
    });
    expect(await stale()).toEqual(['orders']);
  });

  it('does not see what another writes that runs at the same time, and what runs beside it is not inside', async () => {
    const { users, orders: purchases, db } = await startDrizzleApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read(ann), orders: () => purchases.filterJob.read() });
    let go!: () => void;
    const gate = new Promise<void>((resolve) => (go = resolve));
    let wrote!: () => void;
    const written = new Promise<void>((resolve) => (wrote = resolve));
    const one = db.transaction(async (tx) => {
      await tx.update(table).set(rename).where(eq(table.id, 1));
      wrote();
      await gate;
      throw new Error('no');
    });
    await written;
    expect(await users.getJob.read(ann)).toMatchObject({ status: 'hit', value: { name: 'Ann' } });
    await db.transaction((tx) => tx.update(orders).set({ total: '1' }));
    go();
    await expect(one).rejects.toThrow('no');
    expect(await stale()).toEqual(['orders']);
  });
});

describe('by hand', () => {
  it('invalidate(id) makes stale what has the row, invalidate() all reads of the table', async () => {
    const { users, cache } = await startDrizzleApp(postgres.server, FROZEN);
    const stale = await fill({
      ann: () => users.getJob.read(ann),
      bob: () => users.getJob.read(bob),
      all: () => users.filterJob.read(),
    });
    await users.invalidate(2);
    expect(await stale()).toEqual(['bob', 'all']);
    await cache.invalidateTags('users:1');
    expect(await stale()).toEqual(['ann', 'bob', 'all']);
  });

  it('invalidate: false leaves a table to its ttl', async () => {
    const { users, db } = await startDrizzleApp(postgres.server, { feature: { ...LATER, invalidate: false } });
    const stale = await fill({ ann: () => users.getJob.read(ann) });
    await db.update(table).set(rename);
    expect(await stale()).toEqual([]);
    await users.invalidate();
    expect(await stale()).toEqual(['ann']);
  });
});

describe('what Drizzle does not report stays as it was', () => {
  it.each<[string, (app: DrizzleApp) => Promise<unknown>]>([
    ['execute of raw SQL', ({ db }) => db.execute(sql`UPDATE account SET name = 'Anna'`)],
    ['the pool', ({ pool }) => pool.query(`UPDATE account SET name = 'Anna'`)],
    [
      'a writing WITH before a select',
      ({ db }) => {
        const changed = db.$with('changed').as(db.update(table).set(rename).returning());
        return db.with(changed).select().from(changed);
      },
    ],
    ['another program', ({ database }) => postgres.server.query(`UPDATE account SET name = 'Anna'`, database)],
  ])('%s', async (_, write) => {
    const app = await startDrizzleApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => app.users.getJob.read(ann) });
    await write(app);
    expect(await stale()).toEqual([]);
    await app.users.invalidate(1);
    expect(await stale()).toEqual(['ann']);
  });
});

it('with a database that is down stale rows are served, and a miss gets the error of Drizzle', async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const { users, events } = await startDrizzleApp(server);
  await users.get(ann);
  await server.kill();
  await users.invalidate(1);
  expect(await users.getJob.read(ann)).toMatchObject({ status: 'stale', value: { name: 'Ann' } });
  await expect.poll(() => events.some(({ type }) => type === 'refresh-failed')).toBe(true);
  await expect(users.get(bob)).rejects.toThrow(/Failed query|ECONNREFUSED|terminat/);
  await server.restart();
  await expect.poll(async () => (await users.getJob.read(ann)).status).toBe('hit');
});

it('a row that is gone is gone from the cache, too', async () => {
  const { users, db } = await startDrizzleApp(postgres.server);
  await users.get(bob);
  await db.delete(table).where(eq(table.id, 2));
  const found = () =>
    users.get(bob).then(
      () => 'found',
      (error: unknown) => (error as Error).name,
    );
  await expect.poll(found).toBe('EntityNotFoundError');
});

it('what is registered wrongly does not let the application start', async () => {
  const other = AsyncCacheDrizzleModule.forFeature(['users'], { database: DB, ttl: 60 });
  await expect(startDrizzleApp(postgres.server, { imports: [other] })).rejects.toThrow(/Two modules register users/);
  const stranger = AsyncCacheDrizzleModule.forFeature(['strangers'], { database: DB });
  await expect(startDrizzleApp(postgres.server, { imports: [stranger] })).rejects.toThrow(ConfigurationError);
  const nowhere = { provide: 'job', useValue: new EntityGetJob('users', { database: 'NOWHERE', name: 'Nowhere' }) };
  await expect(startDrizzleApp(postgres.server, { providers: [nowhere] })).rejects.toThrow(/that provides NOWHERE/);
});

it('with enabled: false reads go to the database', async () => {
  const { users, queries } = await startDrizzleApp(postgres.server, { options: { enabled: false } });
  await queries('account');
  for (let read = 0; read < 3; read++) expect((await users.get(ann)).name).toBe('Ann');
  expect(await queries('account')).toBe(3);
});
