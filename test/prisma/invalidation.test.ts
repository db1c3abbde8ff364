import { describe, expect, it } from 'vitest';
import { fill } from '../orm/support/fill.js';
import { usePostgres } from '../orm/support/postgres.js';
import { type PrismaApp, type PrismaService, startPrismaApp } from './support/prisma-app.js';

const postgres = usePostgres();
/** No refresh begins during a test, so that what is stale stays stale and can be looked at. */
const LATER = { queue: { delay: '1h' } } as const;
const FROZEN = { feature: LATER };

const ann = { where: { id: 1 } } as const;
const bob = { where: { id: 2 } } as const;
const rename = { ...ann, data: { name: 'Anna' } } as const;

/** Reads of every kind, filled: which of them are stale? Ann has the id 1, Bob 2; Ann's profile, orders and role are hers. */
async function filled({ users, orders, roles }: PrismaApp) {
  return fill({
    ann: () => users.getJob.read(ann),
    annByUsername: () => users.getJob.read({ where: { username: 'ann', isStaff: true } }),
    annByName: () => users.getJob.read({ where: { name: 'Ann' } }),
    annWithProfile: () => users.getJob.read({ ...ann, include: { profile: true } }),
    annWithOrders: () => users.getJob.read({ ...ann, include: { orders: true } }),
    annWithRoles: () => users.getJob.read({ ...ann, include: { roles: true } }),
    annSelected: () =>
      users.getJob.read({ ...ann, select: { name: true, profile: { select: { city: true, id: true } } } }),
    bob: () => users.getJob.read(bob),
    all: () => users.filterJob.read(),
    inGraz: () => users.filterJob.read({ where: { profile: { city: 'Graz' } } }),
    counted: () => users.filterJob.read({ select: { id: true, _count: { select: { orders: true } } } }),
    count: () => users.countJob.read({ where: { isStaff: true } }),
    orders: () => orders.filterJob.read({ where: { user: { username: 'ann' } } }),
    role: () => roles.getJob.read({ where: { name: 'admin' }, include: { users: true } }),
  });
}

type Names = Awaited<ReturnType<Awaited<ReturnType<typeof filled>>>>;

const QUERIES: Names = ['annByName', 'all', 'inGraz', 'counted', 'count', 'orders', 'role'];
const USER_1: Names = [
  'ann',
  'annByUsername',
  'annWithProfile',
  'annWithOrders',
  'annWithRoles',
  'annSelected',
  ...QUERIES,
];
const USERS: Names = [...USER_1, 'bob'];
const PROFILE: Names = ['annWithProfile', 'annSelected', 'inGraz'];
const ORDERS: Names = ['annWithOrders', 'counted', 'orders'];

const unique = (...names: readonly string[]) => [...new Set(names)].sort();

describe('a write makes stale', () => {
  it.each<[string, (prisma: PrismaService) => Promise<unknown>, Names]>([
    ['update of a row: its reads, and what may match it', (p) => p.user.update(rename), USER_1],
    ['update by another key', (p) => p.user.update({ where: { username: 'ann' }, data: { age: 31 } }), USER_1],
    ['update that selects no id', (p) => p.user.update({ ...rename, select: { name: true } }), USER_1],
    [
      'update by another key that selects no id: all rows',
      (p) => p.user.update({ where: { username: 'bob' }, data: { age: 1 }, select: { age: true } }),
      USERS,
    ],
    ['update of another row', (p) => p.user.update({ ...bob, data: { name: 'Rob' } }), ['bob', ...QUERIES]],
    ['create', (p) => p.user.create({ data: { username: 'new', name: 'New' } }), QUERIES],
    ['createMany', (p) => p.user.createMany({ data: [{ username: 'new', name: 'New' }] }), QUERIES],
    ['createManyAndReturn', (p) => p.user.createManyAndReturn({ data: [{ username: 'n', name: 'N' }] }), QUERIES],
    [
      'upsert that updates',
      (p) =>
        p.user.upsert({ where: { username: 'bob' }, update: { name: 'Rob' }, create: { username: 'bob', name: 'B' } }),
      ['bob', ...QUERIES],
    ],
    [
      'upsert that creates',
      (p) => p.user.upsert({ where: { username: 'new' }, update: {}, create: { username: 'new', name: 'New' } }),
      QUERIES,
    ],
    ['updateMany', (p) => p.user.updateMany({ ...bob, data: { name: 'Rob' } }), USERS],
    ['updateManyAndReturn', (p) => p.user.updateManyAndReturn({ ...bob, data: { name: 'Rob' } }), USERS],
    ['delete, with what the database deletes along', (p) => p.user.delete(bob), ['bob', ...QUERIES, ...ORDERS]],
    ['deleteMany', (p) => p.user.deleteMany(bob), [...USERS, ...ORDERS]],
    ['a changed id', (p) => p.user.update({ ...bob, data: { id: 22 } }), [...USERS, ...ORDERS]],
    ['a row that was included', (p) => p.profile.update({ ...ann, data: { city: 'Linz' } }), PROFILE],
    ['another row of that model', (p) => p.profile.create({ data: { city: 'Graz' } }), ['inGraz']],
    ['a row that joins a relation', (p) => p.order.create({ data: { total: 1, userId: 1 } }), ORDERS],
    [
      'nested data: a related row',
      (p) => p.user.update({ ...bob, data: { orders: { create: { total: 1 } } } }),
      ['bob', ...QUERIES, ...ORDERS],
    ],
    [
      'nested data below nested data',
      (p) => p.order.update({ ...ann, data: { user: { update: { profile: { update: { city: 'Linz' } } } } } }),
      [...USERS, ...ORDERS],
    ],
    [
      'a link between two rows, from either side',
      (p) => p.user.update({ ...bob, data: { roles: { connect: { name: 'admin' } } } }),
      ['bob', ...QUERIES, 'annWithRoles'],
    ],
    [
      'a link from the other side',
      (p) => p.role.update({ where: { name: 'admin' }, data: { users: { disconnect: { id: 1 } } } }),
      [...USERS, 'annWithRoles'],
    ],
    ['$transaction of a list', (p) => p.$transaction([p.user.update(rename), p.profile.findMany()]), USER_1],
    ['$transaction of a function', (p) => p.$transaction((tx) => tx.user.update(rename)), USER_1],
    [
      'a client that is extended further',
      (p) => p.$extends({ model: { user: { hello: () => 'hello' } } }).user.update(rename),
      USER_1,
    ],
  ])('%s', async (_, write, expected) => {
    const app = await startPrismaApp(postgres.server, FROZEN);
    const stale = await filled(app);
    await write(app.prisma);
    expect(unique(...(await stale()))).toEqual(unique(...expected));
  });

  it('with nothing written, nothing', async () => {
    const stale = await filled(await startPrismaApp(postgres.server, FROZEN));
    expect(await stale()).toEqual([]);
  });

  it('also when a nested write fails, nothing', async () => {
    const app = await startPrismaApp(postgres.server, FROZEN);
    const stale = await filled(app);
    const failing = app.prisma.user.update({ ...ann, data: { name: 'A', orders: { connect: { id: 99 } } } });
    await expect(failing).rejects.toThrow();
    expect(await stale()).toEqual([]);
  });
});

describe('a transaction', () => {
  it('invalidates after its commit and not before', async () => {
    const { users, prisma } = await startPrismaApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read(ann) });
    await prisma.$transaction(async (tx) => {
      await tx.user.update(rename);
      expect((await users.getJob.peek(ann))?.status).toBe('fresh');
    });
    expect(await stale()).toEqual(['ann']);
  });

  it('that rolls back invalidates nothing', async () => {
    const { users, prisma } = await startPrismaApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read(ann), all: () => users.filterJob.read() });
    const failing = prisma.$transaction(async (tx) => {
      await tx.user.update(rename);
      await tx.user.updateMany({ data: { age: 1 } });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    const failingList = prisma.$transaction([prisma.user.update(rename), prisma.user.delete({ where: { id: 99 } })]);
    await expect(failingList).rejects.toThrow();
    expect((await prisma.user.findUniqueOrThrow(ann)).name).toBe('Ann');
    expect(await stale()).toEqual([]);
  });

  it('that takes too long rolls back, and invalidates nothing', async () => {
    const { users, prisma } = await startPrismaApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read(ann) });
    const failing = prisma.$transaction(
      async (tx) => {
        await tx.user.update(rename);
        await new Promise((resolve) => setTimeout(resolve, 400));
      },
      { timeout: 200 },
    );
    await expect(failing).rejects.toThrow();
    expect(await stale()).toEqual([]);
  });

  it('a savepoint that is released in a transaction that rolls back invalidates nothing', async () => {
    const { users, prisma } = await startPrismaApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read(ann) });
    const failing = prisma.$transaction(async (tx) => {
      await tx.$transaction((inner) => inner.user.update(rename));
      expect((await users.getJob.peek(ann))?.status).toBe('fresh');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await stale()).toEqual([]);
  });

  it('a savepoint that is rolled back in a transaction that commits invalidates nothing of its own', async () => {
    const { users, prisma } = await startPrismaApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read(ann), bob: () => users.getJob.read(bob) });
    await prisma.$transaction(async (tx) => {
      await tx.user.update({ ...bob, data: { name: 'Rob' } });
      const inner = tx.$transaction(async (savepoint) => {
        await savepoint.user.update(rename);
        expect((await users.get(ann)).name).toBe('Anna');
        throw new Error('no');
      });
      await inner.catch(() => undefined);
      expect((await users.get(ann)).name).toBe('Ann');
    });
    expect(await stale()).toEqual(['bob']);
  });

  it('does not see what another writes that runs at the same time', async () => {
    const { users, prisma } = await startPrismaApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read(ann), bob: () => users.getJob.read(bob) });
    let go!: () => void;
    const gate = new Promise<void>((resolve) => (go = resolve));
    let wrote!: () => void;
    const written = new Promise<void>((resolve) => (wrote = resolve));
    const one = prisma.$transaction(async (tx) => {
      await tx.user.update(rename);
      wrote();
      await gate;
      throw new Error('no');
    });
    await written;
    await prisma.$transaction(async (tx) => {
      await tx.user.update({ ...bob, data: { name: 'Rob' } });
      // A statement of its own inside of it commits at once.
      expect((await users.get(ann)).name).toBe('Ann');
    });
    expect((await users.getJob.peek(bob))?.status).toBe('stale');
    go();
    await expect(one).rejects.toThrow('no');
    expect(await stale()).toEqual(['bob']);
  });

  it('a write of the outer client inside of it is committed by itself', async () => {
    const { users, prisma } = await startPrismaApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read(ann), bob: () => users.getJob.read(bob) });
    const failing = prisma.$transaction(async (tx) => {
      await tx.user.update(rename);
      await prisma.user.update({ ...bob, data: { name: 'Rob' } });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await stale()).toEqual(['bob']);
  });
});

describe('a read inside of a transaction', () => {
  it('sees what the transaction wrote, and stores nothing', async () => {
    const { users, prisma } = await startPrismaApp(postgres.server, FROZEN);
    await users.get(ann);
    const failing = prisma.$transaction(async (tx) => {
      await tx.user.update(rename);
      expect((await users.get(ann)).name).toBe('Anna');
      expect(await users.getJob.read(ann)).toMatchObject({ status: 'miss', value: { name: 'Anna' } });
      expect((await users.getJob.refresh(ann)).name).toBe('Anna');
      expect((await users.getJob.getMany([[ann]])).map(({ name }) => name)).toEqual(['Anna']);
      expect((await users.filter({ where: { name: 'Anna' } })).map(({ id }) => id)).toEqual([1]);
      expect(await users.count({ where: { name: 'Anna' } })).toBe(1);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await users.getJob.read(ann)).toMatchObject({ status: 'hit', value: { name: 'Ann' } });
    expect(await users.filterJob.peek({ where: { name: 'Anna' } })).toBeUndefined();
  });

  it('what runs beside the transaction is not inside', async () => {
    const { users, prisma } = await startPrismaApp(postgres.server, FROZEN);
    await users.get(ann);
    let wrote!: () => void;
    let mayEnd!: () => void;
    const written = new Promise<void>((resolve) => (wrote = resolve));
    const end = new Promise<void>((resolve) => (mayEnd = resolve));
    const transaction = prisma.$transaction(async (tx) => {
      await tx.user.update(rename);
      wrote();
      await end;
    });
    await written;
    expect(await users.getJob.read(ann)).toMatchObject({ status: 'hit', value: { name: 'Ann' } });
    mayEnd();
    await transaction;
  });
});

describe('by hand', () => {
  it('invalidate(id) makes stale what a write of the row would, invalidate() all reads of the model', async () => {
    const app = await startPrismaApp(postgres.server, FROZEN);
    const stale = await filled(app);
    await app.users.invalidate(2);
    expect(unique(...(await stale()))).toEqual(unique('bob', ...QUERIES));
    await app.roles.invalidate('admin');
    expect(await stale()).toContain('annWithRoles');
    await app.users.invalidate();
    expect(unique(...(await stale()))).toEqual(unique(...USERS));
  });

  it('its tags are those of the contract', async () => {
    const { users, cache } = await startPrismaApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => users.getJob.read(ann), bob: () => users.getJob.read(bob) });
    await cache.invalidateTags('User:2');
    expect(await stale()).toEqual(['bob']);
    await cache.invalidateTags('User');
    expect(await stale()).toEqual(['ann', 'bob']);
  });

  it('invalidate: false leaves a model to its ttl', async () => {
    const { users, orders, prisma } = await startPrismaApp(postgres.server, {
      feature: { ...LATER, invalidate: false },
    });
    const stale = await fill({ ann: () => users.getJob.read(ann), orders: () => orders.filterJob.read() });
    await prisma.user.update(rename);
    await prisma.order.create({ data: { total: 1 } });
    expect(await stale()).toEqual([]);
    await users.invalidate(1);
    expect(await stale()).toEqual(['ann']);
  });
});

it('a row that is gone is gone from the cache, too', async () => {
  const { users, prisma } = await startPrismaApp(postgres.server);
  await users.get(bob);
  await prisma.user.delete(bob);
  const found = () =>
    users.get(bob).then(
      () => 'found',
      (error: unknown) => (error as { code: string }).code,
    );
  await expect.poll(found).toBe('P2025');
});

it('more rows than an entry has tags for: a write of any row makes it stale', async () => {
  const { profiles, prisma } = await startPrismaApp(postgres.server, FROZEN);
  await prisma.profile.createMany({ data: Array.from({ length: 300 }, () => ({ city: 'Wien' })) });
  const stale = await fill({ all: () => profiles.filterJob.read() });
  expect((await profiles.filterJob.peek())?.tags.length).toBeLessThan(110);
  await prisma.profile.update({ where: { id: 250 }, data: { city: 'Linz' } });
  expect(await stale()).toEqual(['all']);
});

describe('what Prisma does not report stays as it was', () => {
  it.each<[string, (app: PrismaApp) => Promise<unknown>]>([
    ['$executeRaw', ({ prisma }) => prisma.$executeRaw`UPDATE account SET name = 'Anna' WHERE id = 1`],
    ['$queryRaw', ({ prisma }) => prisma.$queryRaw`UPDATE account SET name = 'Anna' WHERE id = 1 RETURNING id`],
    ['the client that was given to reportWrites', ({ silent }) => silent.user.update(rename)],
    [
      'another program',
      ({ database }) => postgres.server.query(`UPDATE account SET name = 'Anna' WHERE id = 1`, database),
    ],
    [
      'what a trigger changes in another table',
      async ({ database, prisma }) => {
        await postgres.server.query(
          `CREATE FUNCTION pass_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE account SET age = 1; RETURN NEW; END $$;
           CREATE TRIGGER pass_on AFTER UPDATE ON profile FOR EACH ROW EXECUTE FUNCTION pass_on()`,
          database,
        );
        await prisma.profile.update({ where: { id: 1 }, data: { city: 'Linz' } });
      },
    ],
  ])('%s', async (_, write) => {
    const app = await startPrismaApp(postgres.server, FROZEN);
    const stale = await fill({ ann: () => app.users.getJob.read(ann), orders: () => app.orders.filterJob.read() });
    await write(app);
    expect(await stale()).toEqual([]);
    await app.users.invalidate(1);
    expect(await stale()).toEqual(['ann']);
  });
});
