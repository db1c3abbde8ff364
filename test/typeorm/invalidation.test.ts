import { type CachedRepository, getCachedRepositoryToken } from 'nestjs-async-cache/typeorm';
import type { QueryRunner } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { describeTransactions } from '../orm/support/describe-transactions.js';
import { describeWrites } from '../orm/support/describe-writes.js';
import { fill } from '../orm/support/fill.js';
import { FROZEN } from '../orm/support/orm-under-test.js';
import { usePostgres } from '../orm/support/postgres.js';
import { Order, Profile, Role, Shelf, Staff, User } from './support/entities.js';
import { type OrmApp, startOrmApp } from './support/orm-app.js';
import { TYPEORM } from './support/typeorm-under-test.js';

const postgres = usePostgres();

/** Reads of every kind, filled: which of them are stale? Ann has the id 1, Bob 2; Ann's profile, orders and role are hers. */
async function filled({ users, orders }: OrmApp) {
  return fill({
    ann: () => users.getJob.read({ id: 1 }),
    annByUsername: () => users.getJob.read({ username: 'ann', isStaff: true }),
    annByName: () => users.getJob.read({ name: 'Ann' }),
    annWithProfile: () => users.getJob.read({ id: 1 }, { relations: { profile: true } }),
    annWithOrders: () => users.getJob.read({ id: 1 }, { relations: { orders: true } }),
    annWithRoles: () => users.getJob.read({ id: 1 }, { relations: { roles: true } }),
    bob: () => users.getJob.read({ id: 2 }),
    all: () => users.filterJob.read(),
    inGraz: () => users.filterJob.read({ profile: { city: 'Graz' } }),
    count: () => users.countJob.read({ isStaff: true }),
    orders: () => orders.filterJob.read({ user: { username: 'ann' } }),
  });
}

type Names = Awaited<ReturnType<Awaited<ReturnType<typeof filled>>>>;

const QUERIES: Names = ['annByName', 'all', 'inGraz', 'count', 'orders'];
const USER_1: Names = ['ann', 'annByUsername', 'annWithProfile', 'annWithOrders', 'annWithRoles', ...QUERIES];
const USERS: Names = [...USER_1, 'bob'];

describeWrites<OrmApp, Names[number]>(TYPEORM, {
  start: startOrmApp,
  filled,
  ofBob: ['bob', ...QUERIES],
  ofUsers: USERS,
  reported: [
    [
      'save of a row: its reads, and what may match it',
      ({ dataSource: { manager: m } }) => m.save(User, { id: 1, name: 'Anna' }),
      USER_1,
    ],
    [
      'save of another row',
      ({ dataSource: { manager: m } }) => m.save(User, { id: 2, name: 'Rob' }),
      ['bob', ...QUERIES],
    ],
    ['save of a new row', ({ dataSource: { manager: m } }) => m.save(User, { username: 'new', name: 'New' }), QUERIES],
    [
      'remove',
      async ({ dataSource: { manager: m } }) => m.remove(await m.findOneByOrFail(User, { id: 2 })),
      ['bob', ...QUERIES, 'annWithOrders', 'annWithRoles'],
    ],
    [
      'softRemove',
      async ({ dataSource: { manager: m } }) => m.softRemove(await m.findOneByOrFail(User, { id: 2 })),
      ['bob', ...QUERIES],
    ],
    ['update by criteria', ({ dataSource: { manager: m } }) => m.update(User, { id: 2 }, { name: 'Rob' }), USERS],
    ['increment', ({ dataSource: { manager: m } }) => m.increment(User, { id: 2 }, 'age', 1), USERS],
    ['delete by criteria', ({ dataSource: { manager: m } }) => m.delete(User, { id: 2 }), USERS],
    ['softDelete by criteria', ({ dataSource: { manager: m } }) => m.softDelete(User, { id: 2 }), USERS],
    ['restore by criteria', ({ dataSource: { manager: m } }) => m.restore(User, { id: 2 }), USERS],
    [
      'upsert, whose id is wrong',
      ({ dataSource: { manager: m } }) => m.upsert(User, { username: 'bob', name: 'Rob' }, ['username']),
      USERS,
    ],
    ['insert', ({ dataSource: { manager: m } }) => m.insert(User, { username: 'new', name: 'New' }), USERS],
    [
      'a query builder',
      ({ dataSource: { manager: m } }) =>
        m.createQueryBuilder().update(User).set({ name: 'R' }).where('id = 2').execute(),
      USERS,
    ],
    [
      'a query builder over the name of the table',
      ({ dataSource: { manager: m } }) =>
        m.createQueryBuilder().update('account').set({ name: 'R' }).where('id = 2').execute(),
      USERS,
    ],
    [
      'a row that was read through a relation',
      ({ dataSource: { manager: m } }) => m.save(Profile, { id: 1, city: 'Linz' }),
      ['annWithProfile', 'inGraz'],
    ],
    ['another row of that entity', ({ dataSource: { manager: m } }) => m.save(Profile, { city: 'Graz' }), ['inGraz']],
    [
      'a row that joins a relation',
      ({ dataSource: { manager: m } }) => m.save(Order, { total: '1', user: { id: 1 } }),
      ['annWithOrders', 'orders'],
    ],
    [
      'a link between two rows',
      ({ dataSource: { manager: m } }) => m.createQueryBuilder().relation(User, 'roles').of(1).remove('admin'),
      ['annWithRoles'],
    ],
    [
      'a row behind a link',
      ({ dataSource: { manager: m } }) => m.remove(m.create(Role, { name: 'admin' })),
      ['annWithRoles'],
    ],
    [
      'a cascade of the ORM',
      async ({ dataSource: { manager: m } }) => {
        const ann = await m.findOneOrFail(User, { where: { id: 1 }, relations: { profile: true } });
        ann.profile!.city = 'Linz';
        await m.save(ann);
      },
      ['annWithProfile', 'inGraz'],
    ],
  ],
  unreported: [
    [
      'a key that the database passes on to rows that refer to it',
      async ({ dataSource, database }) => {
        await postgres.server.query(
          `DO $$ DECLARE foreign_key text; BEGIN
             SELECT conname INTO foreign_key FROM pg_constraint
             WHERE conrelid = 'account'::regclass AND confrelid = 'profile'::regclass;
             EXECUTE format('ALTER TABLE account DROP CONSTRAINT %I', foreign_key);
           END $$;
           ALTER TABLE account ADD FOREIGN KEY ("profileId") REFERENCES profile ON UPDATE CASCADE`,
          database,
        );
        await dataSource.manager.update(Profile, { id: 1 }, { id: 9 });
      },
    ],
    ['raw SQL', ({ dataSource }) => dataSource.query(`UPDATE account SET name = 'Anna' WHERE id = 1`)],
    [
      'INSERT … SELECT of a query builder',
      ({ dataSource }) => {
        const selected = dataSource.createQueryBuilder().select('1', 'total').from(User, 'u').where('u.id = 1');
        return dataSource.createQueryBuilder().insert().into(Order, ['total']).valuesFromSelect(selected).execute();
      },
    ],
    [
      'save with listeners: false',
      ({ dataSource }) => dataSource.manager.save(User, { id: 1, name: 'Anna' }, { listeners: false }),
    ],
    [
      'a query builder with callListeners(false)',
      ({ dataSource }) =>
        dataSource
          .createQueryBuilder()
          .update(User)
          .set({ name: 'Anna' })
          .where('id = 1')
          .callListeners(false)
          .execute(),
    ],
    ['clear', ({ dataSource }) => dataSource.query('TRUNCATE purchase').then(() => dataSource.manager.clear(Order))],
  ],
  writeProfile: ({ dataSource }) => dataSource.manager.update(Profile, { id: 1 }, { city: 'Linz' }),
});

describeTransactions(TYPEORM);

describe('reads of what the ORM does not know to depend on a write stay as they were', () => {
  it.each([
    ['a view', Staff],
    ['a virtual column', Shelf],
  ])('%s over the written table', async (_, entity) => {
    const { app, dataSource } = await startOrmApp(postgres.server, FROZEN);
    await dataSource.manager.insert(Shelf, { id: 1 });
    const reads = app.get<CachedRepository<Shelf | Staff>>(getCachedRepositoryToken(entity as typeof Staff), {
      strict: false,
    });
    const stale = await fill({ all: () => reads.filterJob.read() });
    expect(await reads.filter()).toMatchObject(entity === Staff ? [{ id: 1, name: 'Ann' }] : [{ id: 1, purchases: 2 }]);
    await dataSource.manager.save(User, { id: 1, name: 'Anna' });
    await dataSource.manager.save(Order, { total: '1' });
    expect(await stale()).toEqual([]);
    await reads.invalidate();
    expect(await stale()).toEqual(['all']);
  });
});

it('reads of rows that the database deletes by itself are stale', async () => {
  const { orders, dataSource } = await startOrmApp(postgres.server, FROZEN);
  const stale = await fill({ order: () => orders.getJob.read({ id: 1 }), count: () => orders.countJob.read() });
  await dataSource.manager.delete(User, { id: 1 });
  expect(await stale()).toEqual(['order', 'count']);
});

it('a read is inside of a transaction that a query runner started, and not after its end', async () => {
  const { users, dataSource } = await startOrmApp(postgres.server, FROZEN);
  await users.get({ id: 1 });
  const runner = dataSource.createQueryRunner();
  await runner.connect();
  await runner.startTransaction();
  await runner.manager.save(User, { id: 1, name: 'Anna' });
  expect((await users.get({ id: 1 })).name).toBe('Anna');
  await runner.rollbackTransaction();
  expect(await users.getJob.read({ id: 1 })).toMatchObject({ status: 'hit', value: { name: 'Ann' } });
  await runner.release();
});

it('a transaction of a query runner invalidates after its commit and not before', async () => {
  const { users, dataSource } = await startOrmApp(postgres.server, FROZEN);
  const stale = await fill({ ann: () => users.getJob.read({ id: 1 }) });
  const runner = dataSource.createQueryRunner();
  await runner.startTransaction();
  await runner.manager.save(User, { id: 1, name: 'Anna' });
  const before = await users.getJob.peek({ id: 1 });
  await runner.commitTransaction();
  await runner.release();
  expect(before?.status).toBe('fresh');
  expect(await stale()).toEqual(['ann']);
});

it('transactions of two query runners do not see what the other writes', async () => {
  const { users, dataSource } = await startOrmApp(postgres.server, FROZEN);
  const stale = await fill({ ann: () => users.getJob.read({ id: 1 }), bob: () => users.getJob.read({ id: 2 }) });
  const [one, other] = [dataSource.createQueryRunner(), dataSource.createQueryRunner()];
  for (const runner of [one, other]) await runner.startTransaction();
  await one.manager.save(User, { id: 1, name: 'Anna' });
  await other.manager.save(User, { id: 2, name: 'Rob' });
  await other.commitTransaction();
  expect((await users.getJob.peek({ id: 1 }))?.status).toBe('fresh');
  expect((await users.getJob.peek({ id: 2 }))?.status).toBe('stale');
  await one.rollbackTransaction();
  for (const runner of [one, other]) await runner.release();
  expect(await stale()).toEqual(['bob']);
});

it('more rows than an entry has tags for: a write of any row makes it stale', async () => {
  const { users, dataSource } = await startOrmApp(postgres.server, FROZEN);
  const { manager } = dataSource;
  const many = Array.from({ length: 300 }, (_, index) => ({
    username: `u${String(index)}`,
    name: 'x',
    profile: { city: 'Wien' },
  }));
  await manager.save(User, many);
  const stale = await fill({ all: () => users.filterJob.read({}, { relations: { profile: true } }) });
  expect((await users.filterJob.peek({}, { relations: { profile: true } }))?.tags.length).toBeLessThan(110);
  await manager.save(Profile, { id: 250, city: 'Linz' });
  expect(await stale()).toEqual(['all']);
});

it('in a transaction that raw SQL began, a write invalidates at once and not at the commit', async () => {
  const { users, dataSource } = await startOrmApp(postgres.server, FROZEN);
  const stale = await fill({ ann: () => users.getJob.read({ id: 1 }) });
  const runner = dataSource.createQueryRunner();
  await runner.query('BEGIN');
  await runner.manager.update(User, { id: 1 }, { name: 'Anna' });
  expect(await stale()).toEqual(['ann']);
  await runner.query('ROLLBACK');
  await runner.release();
});

describe('a commit that the database did and nobody was told of', () => {
  /** The answer to this command never comes, because the connection ends. */
  async function lose(command: string, work: (runner: QueryRunner) => Promise<unknown>) {
    const { users, dataSource } = await startOrmApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }) });
    const runner = dataSource.createQueryRunner();
    const query = runner.query.bind(runner) as (...args: unknown[]) => Promise<unknown>;
    runner.query = async (...args: unknown[]) => {
      const isLost = args[0] === command;
      // PostgreSQL knows of a commit that it did, and TypeORM rolls back a savepoint that it could not release.
      const answer = isLost && command !== 'COMMIT' ? undefined : await query(...args);
      if (isLost) throw new Error('Connection terminated unexpectedly');
      return answer as never;
    };
    await runner.startTransaction();
    await runner.manager.save(User, { id: 1, name: 'Anna' });
    await expect(work(runner)).rejects.toThrow('terminated');
    const afterwards = async (): Promise<readonly string[]> => {
      await runner.release();
      return stale();
    };
    return { runner, afterwards };
  }

  it('invalidates', async () => {
    const { afterwards } = await lose('COMMIT', (runner) => runner.commitTransaction());
    expect(await afterwards()).toEqual(['ann']);
  });

  it('of a savepoint does not, and its transaction still counts', async () => {
    const { runner, afterwards } = await lose('RELEASE SAVEPOINT typeorm_1', async (given) => {
      await given.startTransaction();
      await given.commitTransaction();
    });
    await runner.rollbackTransaction();
    await runner.rollbackTransaction();
    expect(await afterwards()).toEqual([]);
  });
});
