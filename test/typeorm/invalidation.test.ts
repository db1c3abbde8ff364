import type { EntityManager } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { Order, Profile, Role, User } from './support/entities.js';
import { fill } from '../orm/support/fill.js';
import { usePostgres } from '../orm/support/postgres.js';
import { type OrmApp, startOrmApp } from './support/orm-app.js';

const postgres = usePostgres();
/** No refresh begins during a test, so that what is stale stays stale and can be looked at. */
const LATER = { queue: { delay: '1h' } } as const;
const FROZEN = { feature: LATER };

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

const sorted = (names: readonly string[]) => [...names].sort();

describe('a write makes stale', () => {
  it.each<[string, (manager: EntityManager) => Promise<unknown>, Names]>([
    ['save of a row: its reads, and what may match it', (m) => m.save(User, { id: 1, name: 'Anna' }), USER_1],
    ['save of another row', (m) => m.save(User, { id: 2, name: 'Rob' }), ['bob', ...QUERIES]],
    ['save of a new row', (m) => m.save(User, { username: 'new', name: 'New' }), QUERIES],
    [
      'remove',
      async (m) => m.remove(await m.findOneByOrFail(User, { id: 2 })),
      ['bob', ...QUERIES, 'annWithOrders', 'annWithRoles'],
    ],
    ['softRemove', async (m) => m.softRemove(await m.findOneByOrFail(User, { id: 2 })), ['bob', ...QUERIES]],
    ['update by criteria', (m) => m.update(User, { id: 2 }, { name: 'Rob' }), USERS],
    ['increment', (m) => m.increment(User, { id: 2 }, 'age', 1), USERS],
    ['delete by criteria', (m) => m.delete(User, { id: 2 }), USERS],
    ['softDelete by criteria', (m) => m.softDelete(User, { id: 2 }), USERS],
    ['restore by criteria', (m) => m.restore(User, { id: 2 }), USERS],
    ['upsert, whose id is wrong', (m) => m.upsert(User, { username: 'bob', name: 'Rob' }, ['username']), USERS],
    ['insert', (m) => m.insert(User, { username: 'new', name: 'New' }), USERS],
    ['a query builder', (m) => m.createQueryBuilder().update(User).set({ name: 'R' }).where('id = 2').execute(), USERS],
    [
      'a query builder over the name of the table',
      (m) => m.createQueryBuilder().update('account').set({ name: 'R' }).where('id = 2').execute(),
      USERS,
    ],
    [
      'a row that was read through a relation',
      (m) => m.save(Profile, { id: 1, city: 'Linz' }),
      ['annWithProfile', 'inGraz'],
    ],
    ['another row of that entity', (m) => m.save(Profile, { city: 'Graz' }), ['inGraz']],
    ['a row that joins a relation', (m) => m.save(Order, { total: '1', user: { id: 1 } }), ['annWithOrders', 'orders']],
    [
      'a link between two rows',
      (m) => m.createQueryBuilder().relation(User, 'roles').of(1).remove('admin'),
      ['annWithRoles'],
    ],
    ['a row behind a link', (m) => m.remove(m.create(Role, { name: 'admin' })), ['annWithRoles']],
    [
      'a cascade of the ORM',
      async (m) => {
        const ann = await m.findOneOrFail(User, { where: { id: 1 }, relations: { profile: true } });
        ann.profile!.city = 'Linz';
        await m.save(ann);
      },
      ['annWithProfile', 'inGraz'],
    ],
  ])('%s', async (_, write, expected) => {
    const app = await startOrmApp(postgres.server, FROZEN);
    const stale = await filled(app);
    await write(app.dataSource.manager);
    expect(sorted(await stale())).toEqual(sorted(expected));
  });

  it('with nothing written, nothing', async () => {
    const app = await startOrmApp(postgres.server, FROZEN);
    const stale = await filled(app);
    expect(await stale()).toEqual([]);
  });

  it('by rows that the database deletes by itself: reads of those', async () => {
    const { orders, dataSource } = await startOrmApp(postgres.server, FROZEN);
    const stale = await fill({ order: () => orders.getJob.read({ id: 1 }), count: () => orders.countJob.read() });
    await dataSource.manager.delete(User, { id: 1 });
    expect(await stale()).toEqual(['order', 'count']);
  });
});

describe('a transaction', () => {
  it('invalidates after its commit and not before', async () => {
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

  it('that rolls back invalidates nothing', async () => {
    const { users, dataSource } = await startOrmApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }), all: () => users.filterJob.read() });
    const failing = dataSource.transaction(async (manager) => {
      await manager.save(User, { id: 1, name: 'Anna' });
      await manager.update(User, { id: 1 }, { name: 'Anne' });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await stale()).toEqual([]);
  });

  it('a savepoint that is released in a transaction that rolls back invalidates nothing', async () => {
    const { users, dataSource } = await startOrmApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }) });
    const failing = dataSource.transaction(async (manager) => {
      await manager.transaction((inner) => inner.save(User, { id: 1, name: 'Anna' }));
      expect((await users.getJob.peek({ id: 1 }))?.status).toBe('fresh');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await stale()).toEqual([]);
  });

  it('a savepoint that is rolled back in a transaction that commits invalidates nothing of its own', async () => {
    const { users, dataSource } = await startOrmApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }), bob: () => users.getJob.read({ id: 2 }) });
    await dataSource.transaction(async (manager) => {
      await manager.save(User, { id: 2, name: 'Rob' });
      await manager
        .transaction(async (inner) => {
          await inner.save(User, { id: 1, name: 'Anna' });
          throw new Error('no');
        })
        .catch(() => undefined);
    });
    expect(await stale()).toEqual(['bob']);
  });

  it('on one connection does not see what another writes', async () => {
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
});

describe('a read inside of a transaction', () => {
  it('sees what the transaction wrote, and stores nothing', async () => {
    const { users, dataSource } = await startOrmApp(postgres.server, FROZEN);
    await users.get({ id: 1 });
    const failing = dataSource.transaction(async (manager) => {
      await manager.save(User, { id: 1, name: 'Anna' });
      expect((await users.get({ id: 1 })).name).toBe('Anna');
      expect(await users.getJob.read({ id: 1 })).toMatchObject({ status: 'miss', value: { name: 'Anna' } });
      expect((await users.getJob.refresh({ id: 1 })).name).toBe('Anna');
      expect((await users.getJob.getMany([[{ id: 1 }]])).map(({ name }) => name)).toEqual(['Anna']);
      expect((await users.filter({ name: 'Anna' })).map((user) => user.greeting())).toEqual(['Hello Anna']);
      expect(await users.count({ name: 'Anna' })).toBe(1);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await users.getJob.read({ id: 1 })).toMatchObject({ status: 'hit', value: { name: 'Ann' } });
    expect(await users.filterJob.peek({ name: 'Anna' })).toBeUndefined();
  });

  it('also in one that a query runner started, and not after its end', async () => {
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

  it('what runs beside the transaction is not inside', async () => {
    const { users, dataSource } = await startOrmApp(postgres.server, FROZEN);
    await users.get({ id: 1 });
    let wrote!: () => void;
    let mayEnd!: () => void;
    const written = new Promise<void>((resolve) => (wrote = resolve));
    const end = new Promise<void>((resolve) => (mayEnd = resolve));
    const transaction = dataSource.transaction(async (manager) => {
      await manager.save(User, { id: 1, name: 'Anna' });
      wrote();
      await end;
    });
    await written;
    expect(await users.getJob.read({ id: 1 })).toMatchObject({ status: 'hit', value: { name: 'Ann' } });
    mayEnd();
    await transaction;
  });
});

describe('by hand', () => {
  it('invalidate(id) makes stale what a write of the row would, invalidate() all reads of the entity', async () => {
    const app = await startOrmApp(postgres.server, FROZEN);
    const stale = await filled(app);
    await app.users.invalidate(2);
    expect(sorted(await stale())).toEqual(sorted(['bob', ...QUERIES]));
    await app.users.invalidate();
    expect(sorted(await stale())).toEqual(sorted(USERS));
  });

  it('its tags are those of the contract', async () => {
    const { users, cache } = await startOrmApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }), bob: () => users.getJob.read({ id: 2 }) });
    await cache.invalidateTags('User:2');
    expect(await stale()).toEqual(['bob']);
    await cache.invalidateTags('User');
    expect(await stale()).toEqual(['ann', 'bob']);
  });

  it('invalidate: false leaves an entity to its ttl', async () => {
    const { users, orders, dataSource } = await startOrmApp(postgres.server, {
      feature: { ...LATER, invalidate: false },
    });
    const stale = await fill({ ann: () => users.getJob.read({ id: 1 }), orders: () => orders.filterJob.read() });
    await dataSource.manager.update(User, { id: 1 }, { name: 'Anna' });
    await dataSource.manager.save(Order, { total: '1' });
    expect(await stale()).toEqual([]);
    await users.invalidate(1);
    expect(await stale()).toEqual(['ann']);
  });
});

it('a row that is gone is gone from the cache, too', async () => {
  const { users, dataSource } = await startOrmApp(postgres.server);
  await users.get({ id: 2 });
  await dataSource.manager.delete(User, { id: 2 });
  const found = () =>
    users.get({ id: 2 }).then(
      () => 'found',
      (error: unknown) => (error as Error).name,
    );
  await expect.poll(found).toBe('EntityNotFoundError');
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

describe('what the ORM does not report stays as it was', () => {
  it.each<[string, (app: OrmApp) => Promise<unknown>]>([
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
    [
      'another program',
      ({ database }) => postgres.server.query(`UPDATE account SET name = 'Anna' WHERE id = 1`, database),
    ],
    [
      'what a trigger changes in another table',
      async ({ dataSource }) => {
        await dataSource.query(
          `CREATE FUNCTION pass_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE account SET age = 1; RETURN NEW; END $$`,
        );
        await dataSource.query(
          'CREATE TRIGGER pass_on AFTER UPDATE ON profile FOR EACH ROW EXECUTE FUNCTION pass_on()',
        );
        await dataSource.manager.update(Profile, { id: 1 }, { city: 'Linz' });
      },
    ],
  ])('%s', async (_, write) => {
    const app = await startOrmApp(postgres.server, FROZEN);
    const stale = await fill({
      ann: () => app.users.getJob.read({ id: 1 }),
      orders: () => app.orders.filterJob.read(),
    });
    await write(app);
    expect(await stale()).toEqual([]);
    await app.users.invalidate(1);
    expect(await stale()).toEqual(['ann']);
  });
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
