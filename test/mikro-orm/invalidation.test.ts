import { MikroORM, RequestContext } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type CachedRepository, getCachedRepositoryToken } from 'nestjs-async-cache/mikro-orm';
import { describe, expect, it } from 'vitest';
import { fill } from '../orm/support/fill.js';
import { usePostgres } from '../orm/support/postgres.js';
import { Order, Profile, Role, Ticket, User } from './support/entities.js';
import { type MikroOrmApp, startMikroOrmApp } from './support/mikro-orm-app.js';
import { describeTransactions } from '../orm/support/describe-transactions.js';
import { describeWrites } from '../orm/support/describe-writes.js';
import { FROZEN } from '../orm/support/orm-under-test.js';
import { MIKRO_ORM } from './support/mikro-orm-under-test.js';

const postgres = usePostgres();

/** Reads of every kind, filled: which of them are stale? Ann has the id 1, Bob 2; Ann's profile, orders and role are hers. */
async function filled({ users, orders }: MikroOrmApp) {
  return fill({
    ann: () => users.getJob.read({ id: 1 }),
    annByUsername: () => users.getJob.read({ username: 'ann', isStaff: true }),
    annByName: () => users.getJob.read({ name: 'Ann' }),
    annWithProfile: () => users.getJob.read({ id: 1 }, { populate: ['profile'] } as never),
    annWithOrders: () => users.getJob.read({ id: 1 }, { populate: ['orders'] } as never),
    annWithRoles: () => users.getJob.read({ id: 1 }, { populate: ['roles'] } as never),
    bob: () => users.getJob.read({ id: 2 }),
    all: () => users.filterJob.read(),
    inGraz: () => users.filterJob.read({ profile: { city: 'Graz' } }),
    byCity: () => users.filterJob.read({}, { orderBy: { profile: { city: 'asc' } } }),
    count: () => users.countJob.read({ isStaff: true }),
    orders: () => orders.filterJob.read({ user: { username: 'ann' } }),
  });
}

type Names = Awaited<ReturnType<Awaited<ReturnType<typeof filled>>>>;

const QUERIES: Names = ['annByName', 'all', 'inGraz', 'byCity', 'count', 'orders'];
const USER_1: Names = ['ann', 'annByUsername', 'annWithProfile', 'annWithOrders', 'annWithRoles', ...QUERIES];
const USERS: Names = [...USER_1, 'bob'];
const CITIES: Names = ['inGraz', 'byCity'];

async function rename(em: SqlEntityManager, id: number, name = 'X'): Promise<void> {
  (await em.findOneOrFail(User, id)).name = name;
  await em.flush();
}

const newUser = { username: 'new', name: 'New', isStaff: false, createdAt: new Date() };

const reported: readonly (readonly [string, (em: SqlEntityManager) => Promise<unknown>, Names])[] = [
  ['flush of a row: its reads, and what may match it', (em) => rename(em, 1), USER_1],
  ['flush of another row', (em) => rename(em, 2), ['bob', ...QUERIES]],
  [
    'flush of two rows',
    async (em) => {
      for (const user of await em.find(User, {})) user.name = 'X';
      await em.flush();
    },
    USERS,
  ],
  [
    'a fork without the subscribers of others',
    (em) => rename(em.fork({ freshEventManager: true }), 2),
    ['bob', ...QUERIES],
  ],
  [
    'a new row',
    async (em) => {
      em.create(User, newUser);
      await em.flush();
    },
    QUERIES,
  ],
  [
    'remove',
    async (em) => {
      em.remove(await em.findOneOrFail(User, 2));
      await em.flush();
    },
    ['bob', ...QUERIES, 'annWithOrders', 'annWithRoles'],
  ],
  ['nativeUpdate', (em) => em.nativeUpdate(User, { id: 2 }, { name: 'Rob' }), USERS],
  ['nativeDelete', (em) => em.nativeDelete(User, { username: 'bob' }), USERS],
  ['insert', (em) => em.insert(User, newUser), QUERIES],
  ['clone', (em) => em.clone(User, { id: 2 }, { username: 'new' }), QUERIES],
  ['upsert', (em) => em.upsert(User, { ...newUser, username: 'bob' }), USERS],
  ['upsertMany', (em) => em.upsertMany(User, [{ ...newUser, username: 'bob' }]), USERS],
  [
    'a row that was read through a relation',
    async (em) => {
      (await em.findOneOrFail(Profile, 1)).city = 'Linz';
      await em.flush();
    },
    ['annWithProfile', ...CITIES],
  ],
  ['another row of that entity', (em) => em.insert(Profile, { city: 'Graz' }), CITIES],
  [
    'a row that joins a collection',
    async (em) => {
      (await em.findOneOrFail(User, 1)).orders.add(em.create(Order, { total: '1' }));
      await em.flush();
    },
    ['annWithOrders', 'orders'],
  ],
  [
    'a link between two rows',
    async (em) => {
      (await em.findOneOrFail(User, 1, { populate: ['roles'] })).roles.removeAll();
      await em.flush();
    },
    ['annWithRoles'],
  ],
  ['a row behind a link', (em) => em.nativeUpdate(Role, { name: 'admin' }, { name: 'root' }), ['annWithRoles']],
];

describeWrites<MikroOrmApp, Names[number]>(MIKRO_ORM, {
  start: startMikroOrmApp,
  filled,
  ofBob: ['bob', ...QUERIES],
  ofUsers: USERS,
  reported: reported.map(([title, write, names]) => [title, ({ fork }) => write(fork()), names]),
  unreported: [
    [
      'a key that the database passes on to rows that refer to it',
      async ({ fork, database }) => {
        await postgres.server.query(
          `ALTER TABLE account DROP CONSTRAINT account_profile_id_foreign,
           ADD FOREIGN KEY (profile_id) REFERENCES profile ON UPDATE CASCADE`,
          database,
        );
        await fork().nativeUpdate(Profile, { id: 1 }, { id: 9 });
        const [row] = await postgres.server.query('SELECT profile_id FROM account WHERE id = 1', database);
        expect(row).toEqual({ profile_id: 9 });
      },
    ],
    ['raw SQL', ({ fork }) => fork().getConnection().execute(`UPDATE account SET name = 'Anna' WHERE id = 1`)],
    [
      'a query builder',
      ({ fork }) => fork().createQueryBuilder(User).update({ name: 'Anna' }).where({ id: 1 }).execute(),
    ],
    [
      'Kysely',
      ({ fork }) =>
        fork()
          .getKysely<{ account: { id: number; name: string } }>()
          .updateTable('account')
          .set({ name: 'Anna' })
          .where('id', '=', 1)
          .execute(),
    ],
  ],
  writeProfile: ({ fork }) => fork().nativeUpdate(Profile, { id: 1 }, { city: 'Linz' }),
});

describeTransactions(MIKRO_ORM);

describe('a write makes stale', () => {
  it.each<[string, (em: SqlEntityManager, row: Ticket) => Promise<unknown>]>([
    [
      'changes',
      (em, row) => {
        row.title = 'Y';
        return em.flush();
      },
    ],
    ['is removed', (em, row) => em.remove(row).flush()],
  ])('a row %s whose key is another value in the database: its reads', async (_, write) => {
    const { app, fork } = await startMikroOrmApp(postgres.server, FROZEN);
    const tickets: CachedRepository<Ticket> = app.get(getCachedRepositoryToken(Ticket), { strict: false });
    await fork().insert(Ticket, { id: 'T-1', title: 'X' });
    const stale = await fill({ ticket: () => tickets.getJob.read({ id: 'T-1' }) });
    const em = fork();
    await write(em, await em.findOneOrFail(Ticket, 'T-1'));
    expect(await stale()).toEqual(['ticket']);
  });

  it('with nothing written, nothing', async () => {
    const app = await startMikroOrmApp(postgres.server, FROZEN);
    const stale = await filled(app);
    const em = app.fork();
    await em.find(User, {});
    await em.flush();
    expect(await stale()).toEqual([]);
  });

  it('by rows that the database deletes by itself: reads of those', async () => {
    const { orders, fork } = await startMikroOrmApp(postgres.server, FROZEN);
    const stale = await fill({ order: () => orders.getJob.read({ id: 1 }), count: () => orders.countJob.read() });
    await fork().nativeDelete(User, { id: 1 });
    expect(await stale()).toEqual(['order', 'count']);
  });
});

describe('a transaction', () => {
  it('invalidates after its commit and not before', async () => {
    const { users, fork } = await startMikroOrmApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }) });
    const em = fork();
    await em.begin();
    await rename(em, 1);
    const before = await users.getJob.peek({ id: 1 });
    await em.commit();
    expect(before?.status).toBe('fresh');
    expect(await stale()).toEqual(['ann']);
  });

  it('on one connection does not see what another writes', async () => {
    const { users, fork } = await startMikroOrmApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }), bob: () => users.getJob.read({ id: 2 }) });
    const [one, other] = [fork(), fork()];
    for (const em of [one, other]) await em.begin();
    await rename(one, 1);
    await rename(other, 2);
    await other.commit();
    expect((await users.getJob.peek({ id: 1 }))?.status).toBe('fresh');
    expect((await users.getJob.peek({ id: 2 }))?.status).toBe('stale');
    await one.rollback();
    expect(await stale()).toEqual(['bob']);
  });
});

describe('a transaction that the caller begins and ends', () => {
  it('is that of a read, in the entity manager of a request', async () => {
    const { app, users } = await startMikroOrmApp(postgres.server, FROZEN);
    const orm = app.get(MikroORM);
    await users.get({ id: 1 });
    await RequestContext.create(orm.em, async () => {
      await orm.em.begin();
      await orm.em.nativeUpdate(User, { id: 1 }, { name: 'X' });
      const { status, value } = await users.getJob.read({ id: 1 });
      expect([status, value.name]).toEqual(['miss', 'X']);
      await orm.em.rollback();
      expect((await users.getJob.read({ id: 1 })).status).toBe('hit');
    });
  });

  it('in a fork is not known to a read, which is told what is committed', async () => {
    const { users, fork } = await startMikroOrmApp(postgres.server, FROZEN);
    await users.get({ id: 1 });
    const em = fork();
    await em.begin();
    await em.nativeUpdate(User, { id: 1 }, { name: 'X' });
    const { status, value } = await users.getJob.read({ id: 1 });
    const fromDatabase = await users.get({ username: 'ann' });
    await em.rollback();
    expect([status, value.name, fromDatabase.name]).toEqual(['hit', 'Ann', 'Ann']);
  });
});

describe('what the ORM does not report stays as it was', () => {
  it('a change of another entity that only a filter names', async () => {
    const { users, fork } = await startMikroOrmApp(postgres.server, FROZEN);
    const stale = await fill({
      byFilter: () => users.filterJob.read({}, { filters: { inGraz: true } }),
      byCondition: () => users.filterJob.read({ profile: { city: 'Graz' } }),
    });
    expect(await users.filter({}, { filters: { inGraz: true } })).toHaveLength(1);
    await fork().nativeUpdate(Profile, { id: 1 }, { city: 'Linz' });
    expect(await stale()).toEqual(['byCondition']);
    await users.invalidate();
    expect(await stale()).toEqual(['byFilter', 'byCondition']);
  });
});
