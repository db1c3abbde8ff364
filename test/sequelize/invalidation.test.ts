import { Op, type Transaction } from 'sequelize';
import { describe, expect, it } from 'vitest';
import { fill } from '../orm/support/fill.js';
import { usePostgres } from '../orm/support/postgres.js';
import { Order, Profile, Role, User, UserRole } from './support/models.js';
import { type SequelizeApp, startSequelizeApp } from './support/sequelize-app.js';
import { describeTransactions } from '../orm/support/describe-transactions.js';
import { describeWrites } from '../orm/support/describe-writes.js';
import { FROZEN } from '../orm/support/orm-under-test.js';
import { SEQUELIZE } from './support/sequelize-under-test.js';

const postgres = usePostgres();

/** Reads of every kind, filled: which of them are stale? Ann has the id 1, Bob 2; Ann's profile, orders and role are hers. */
async function filled({ users, orders }: SequelizeApp) {
  return fill({
    ann: () => users.getJob.read({ id: 1 }),
    annByUsername: () => users.getJob.read({ username: 'ann', isStaff: true }),
    annByName: () => users.getJob.read({ name: 'Ann' }),
    annWithProfile: () => users.getJob.read({ id: 1 }, { include: [Profile] }),
    annWithOrders: () => users.getJob.read({ id: 1 }, { include: [{ model: Order }] }),
    annWithRoles: () => users.getJob.read({ id: 1 }, { include: ['roles'] }),
    bob: () => users.getJob.read({ id: 2 }),
    all: () => users.filterJob.read(),
    inGraz: () => users.filterJob.read({ '$profile.city$': 'Graz' }, { include: [Profile] }),
    inLinz: () => users.filterJob.read({}, { include: [{ model: Profile, where: { city: 'Linz' } }] }),
    byCity: () => users.filterJob.read({}, { include: [Profile], order: [['profile', 'city', 'ASC']] }),
    count: () => users.countJob.read({ isStaff: true }),
    orders: () => orders.filterJob.read({}, { include: [{ model: User, required: true }] }),
  });
}

type Names = Awaited<ReturnType<Awaited<ReturnType<typeof filled>>>>;

const QUERIES: Names = ['annByName', 'all', 'inGraz', 'inLinz', 'byCity', 'count', 'orders'];
const USER_1: Names = ['ann', 'annByUsername', 'annWithProfile', 'annWithOrders', 'annWithRoles', ...QUERIES];
const USERS: Names = [...USER_1, 'bob'];
const CITIES: Names = ['inGraz', 'inLinz', 'byCity'];

const user = async (id: number) => (await User.findByPk(id))!;

describeWrites<SequelizeApp, Names[number]>(SEQUELIZE, {
  start: startSequelizeApp,
  filled,
  ofBob: ['bob', ...QUERIES],
  ofUsers: USERS,
  reported: [
    ['save of a row: its reads, and what may match it', async () => (await user(1)).update({ name: 'Anna' }), USER_1],
    ['save of another row', async () => (await user(2)).update({ name: 'Rob' }), ['bob', ...QUERIES]],
    ['save without hooks', async () => (await user(2)).update({ name: 'R' }, { hooks: false }), ['bob', ...QUERIES]],
    ['create of a row', () => User.create({ username: 'new', name: 'New' }), QUERIES],
    ['destroy of a row that is kept', async () => (await user(2)).destroy(), ['bob', ...QUERIES]],
    [
      'destroy of a row',
      async () => (await user(2)).destroy({ force: true }),
      ['bob', ...QUERIES, 'annWithOrders', 'annWithRoles'],
    ],
    [
      'restore of a row',
      async () => {
        const bob = await user(2);
        await bob.destroy();
        await bob.restore();
      },
      ['bob', ...QUERIES],
    ],
    ['increment of a row', async () => (await user(2)).increment('age'), ['bob', ...QUERIES]],
    ['increment by criteria', () => User.increment('age', { where: { id: 2 } }), USERS],
    ['update by criteria', () => User.update({ name: 'Rob' }, { where: { id: 2 } }), USERS],
    ['update by criteria without hooks', () => User.update({ name: 'R' }, { where: { id: 2 }, hooks: false }), USERS],
    ['destroy by criteria', () => User.destroy({ where: { id: 2 } }), USERS],
    ['restore by criteria', () => User.restore({ where: { id: 2 } }), USERS],
    ['upsert', () => User.upsert({ username: 'bob', name: 'Rob' }), USERS],
    ['bulkCreate', () => User.bulkCreate([{ username: 'new', name: 'New' }]), USERS],
    ['truncate', () => User.truncate({ force: true, cascade: true } as never), USERS],
    [
      'a row that was read through a relation',
      async () => (await Profile.findByPk(1))!.update({ city: 'Linz' }),
      ['annWithProfile', ...CITIES],
    ],
    ['another row of that model', () => Profile.create({ city: 'Graz' }), CITIES],
    ['a row that joins a relation', () => Order.create({ total: '1', userId: 1 }), ['annWithOrders', 'orders']],
    ['a link between two rows', async () => (await user(1)).$remove('roles', 'admin'), ['annWithRoles']],
    ['a link written as a row', () => UserRole.destroy({ where: { userId: 1 } }), ['annWithRoles']],
    ['a row behind a link', async () => (await Role.findByPk('admin'))!.destroy(), ['annWithRoles']],
    [
      'create with what it includes',
      () => User.create({ username: 'new', name: 'N', orders: [{ total: 1 }] }, { include: [Order] }),
      [...QUERIES, 'annWithOrders'],
    ],
  ],
  unreported: [
    ['raw SQL', ({ sequelize }) => sequelize.query(`UPDATE account SET name = 'Anna' WHERE id = 1`)],
    [
      'the query interface',
      ({ sequelize }) => sequelize.getQueryInterface().bulkInsert('purchase', [{ total: 1, userId: 1 }]),
    ],
  ],
  writeProfile: () => Profile.update({ city: 'Linz' }, { where: { id: 1 } }),
});

describeTransactions(SEQUELIZE);

describe('a write makes stale', () => {
  it('by rows that the database deletes by itself: reads of those', async () => {
    const { orders } = await startSequelizeApp(postgres.server, FROZEN);
    const stale = await fill({ order: () => orders.getJob.read({ id: 1 }), count: () => orders.countJob.read() });
    await User.destroy({ where: { id: 1 }, force: true });
    expect(await stale()).toEqual(['order', 'count']);
  });

  it('a schema and a scope of a model are that model', async () => {
    const { users } = await startSequelizeApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }) });
    await User.unscoped().update({ name: 'Anna' }, { where: { id: 1 } });
    expect(await stale()).toEqual(['ann']);
  });
});

const rename = async (id: number, transaction: Transaction) => (await user(id)).update({ name: 'X' }, { transaction });

describe('a transaction', () => {
  it('invalidates after its commit and not before', async () => {
    const { users, sequelize } = await startSequelizeApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }) });
    const transaction = await sequelize.transaction();
    await rename(1, transaction);
    const before = await users.getJob.peek({ id: 1 });
    await transaction.commit();
    expect(before?.status).toBe('fresh');
    expect(await stale()).toEqual(['ann']);
  });

  it('what a savepoint wrote that was never ended becomes visible with the commit around it', async () => {
    const { users, sequelize } = await startSequelizeApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }) });
    const transaction = await sequelize.transaction();
    await rename(1, await sequelize.transaction({ transaction }));
    await transaction.commit();
    expect(await stale()).toEqual(['ann']);
  });

  it('on one connection does not see what another writes', async () => {
    const { users, sequelize } = await startSequelizeApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }), bob: () => users.getJob.read({ id: 2 }) });
    const [one, other] = [await sequelize.transaction(), await sequelize.transaction()];
    await rename(1, one);
    await rename(2, other);
    await other.commit();
    expect((await users.getJob.peek({ id: 1 }))?.status).toBe('fresh');
    expect((await users.getJob.peek({ id: 2 }))?.status).toBe('stale');
    await one.rollback();
    expect(await stale()).toEqual(['bob']);
  });

  it('whose commit fails, so that nobody knows whether it happened, invalidates', async () => {
    const { users, sequelize, database } = await startSequelizeApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }) });
    const transaction = await sequelize.transaction();
    await rename(1, transaction);
    await postgres.server.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' AND state = 'idle in transaction'`,
    );
    await expect(transaction.commit()).rejects.toThrow();
    expect(await stale()).toEqual(['ann']);
  });
});

describe('a read inside of a transaction', () => {
  it('also in one without a callback, and not after its end', async () => {
    const { users, sequelize } = await startSequelizeApp(postgres.server, FROZEN);
    await users.get({ id: 1 });
    const transaction = await sequelize.transaction();
    await rename(1, transaction);
    expect((await users.get({ id: 1 })).name).toBe('X');
    await transaction.rollback();
    expect((await users.getJob.read({ id: 1 })).status).toBe('hit');
  });
});

describe('what the ORM does not report stays as it was', () => {
  it('ON UPDATE CASCADE', async () => {
    const { orders } = await startSequelizeApp(postgres.server, FROZEN);
    const stale = await fill({ orders: () => orders.filterJob.read() });
    await User.update({ id: 11 }, { where: { id: 1 } });
    expect((await Order.findByPk(1))?.userId).toBe(11);
    expect(await stale()).toEqual([]);
  });

  it('a subquery in a literal', async () => {
    const { users, sequelize } = await startSequelizeApp(postgres.server, FROZEN);
    const { literal } = sequelize.Sequelize;
    const stale = await fill({
      buyers: () => users.filterJob.read({ id: { [Op.in]: literal('(SELECT "userId" FROM purchase)') } }),
    });
    await Order.create({ total: '1', userId: 2 });
    expect(await stale()).toEqual([]);
  });
});

it('in a transaction that raw SQL began, a write invalidates at once and not at the commit', async () => {
  const { users, sequelize } = await startSequelizeApp(postgres.server, FROZEN);
  const stale = await fill({ ann: () => users.getJob.read({ id: 1 }) });
  await sequelize.query('BEGIN');
  await User.update({ name: 'Anna' }, { where: { id: 1 } });
  expect(await stale()).toEqual(['ann']);
  await sequelize.query('ROLLBACK');
});
