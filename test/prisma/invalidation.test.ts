import { describe, expect, it } from 'vitest';
import { fill } from '../orm/support/fill.js';
import { usePostgres } from '../orm/support/postgres.js';
import { type PrismaApp, type PrismaService, startPrismaApp } from './support/prisma-app.js';
import { describeTransactions } from '../orm/support/describe-transactions.js';
import { describeWrites } from '../orm/support/describe-writes.js';
import { FROZEN } from '../orm/support/orm-under-test.js';
import { PRISMA } from './support/prisma-under-test.js';

const postgres = usePostgres();

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

const reported: readonly (readonly [string, (prisma: PrismaService) => Promise<unknown>, Names])[] = [
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
];

describeWrites<PrismaApp, Names[number]>(PRISMA, {
  start: startPrismaApp,
  filled,
  ofBob: ['bob', ...QUERIES],
  ofUsers: USERS,
  reported: reported.map(([title, write, names]) => [title, ({ prisma }) => write(prisma), names]),
  unreported: [
    ['$executeRaw', ({ prisma }) => prisma.$executeRaw`UPDATE account SET name = 'Anna' WHERE id = 1`],
    ['$queryRaw', ({ prisma }) => prisma.$queryRaw`UPDATE account SET name = 'Anna' WHERE id = 1 RETURNING id`],
    ['the client that was given to reportWrites', ({ silent }) => silent.user.update(rename)],
  ],
  writeProfile: ({ prisma }) => prisma.profile.update({ where: { id: 1 }, data: { city: 'Linz' } }),
});

describeTransactions(PRISMA);

describe('a write makes stale', () => {
  it('also when a nested write fails, nothing', async () => {
    const app = await startPrismaApp(postgres.server, FROZEN);
    const stale = await filled(app);
    const failing = app.prisma.user.update({ ...ann, data: { name: 'A', orders: { connect: { id: 99 } } } });
    await expect(failing).rejects.toThrow();
    expect(await stale()).toEqual([]);
  });
});

describe('a transaction', () => {
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
});

it('more rows than an entry has tags for: a write of any row makes it stale', async () => {
  const { profiles, prisma } = await startPrismaApp(postgres.server, FROZEN);
  await prisma.profile.createMany({ data: Array.from({ length: 300 }, () => ({ city: 'Wien' })) });
  const stale = await fill({ all: () => profiles.filterJob.read() });
  expect((await profiles.filterJob.peek())?.tags.length).toBeLessThan(110);
  await prisma.profile.update({ where: { id: 250 }, data: { city: 'Linz' } });
  expect(await stale()).toEqual(['all']);
});
