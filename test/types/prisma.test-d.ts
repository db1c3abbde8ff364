import type { Peeked, Reading } from 'nestjs-async-cache';
import { AsyncCachePrismaModule, type CachedDelegate, EntityFilterJob, EntityGetJob } from 'nestjs-async-cache/prisma';
import { describe, expectTypeOf, it } from 'vitest';
import type { Prisma, PrismaClient, User } from '../prisma/support/generated/ts/client.js';

declare const users: CachedDelegate<PrismaClient['user']>;

class PrismaService {
  declare readonly user: PrismaClient['user'];
  declare readonly name: string;
}

describe('a cached delegate has the types of Prisma', () => {
  it('results by their arguments', () => {
    expectTypeOf(users.get({ where: { username: 'ann' } })).resolves.toEqualTypeOf<User>();
    expectTypeOf(users.get({ where: { name: 'Ann' } })).resolves.toEqualTypeOf<User>();
    expectTypeOf(users.get({ where: { name_age: { name: 'Ann', age: 3 } } })).resolves.toEqualTypeOf<User>();
    expectTypeOf(users.get({ where: { id: 1 }, select: { name: true } })).resolves.toEqualTypeOf<{ name: string }>();
    expectTypeOf(users.filter({ include: { orders: true } })).resolves.toEqualTypeOf<
      Prisma.UserGetPayload<{ include: { orders: true } }>[]
    >();
    expectTypeOf(users.filter()).resolves.toEqualTypeOf<User[]>();
    expectTypeOf(users.count({ where: { isStaff: true } })).resolves.toEqualTypeOf<number>();
    expectTypeOf(users.getJob.read({ where: { id: 1 } })).resolves.toEqualTypeOf<Reading<User>>();
  });

  it('also those of its jobs', () => {
    const withOrders = { include: { orders: true } } as const;
    type WithOrders = Prisma.UserGetPayload<typeof withOrders>;
    expectTypeOf(users.getJob.read({ where: { id: 1 }, ...withOrders })).resolves.toEqualTypeOf<Reading<WithOrders>>();
    expectTypeOf(users.getJob.refresh({ where: { id: 1 }, ...withOrders })).resolves.toEqualTypeOf<WithOrders>();
    expectTypeOf(users.filterJob.read(withOrders)).resolves.toEqualTypeOf<Reading<WithOrders[]>>();
    expectTypeOf(users.filterJob.read()).resolves.toEqualTypeOf<Reading<User[]>>();
    expectTypeOf(users.filterJob.peek(withOrders)).resolves.toEqualTypeOf<Peeked<WithOrders[]> | undefined>();
    // @ts-expect-error no such relation
    void users.filterJob.read({ include: { friends: true } });
    // @ts-expect-error no such field
    void users.getJob.read({ where: { nickname: 'ann' } });
  });

  it('wrong fields do not compile', () => {
    // @ts-expect-error no such field
    void users.get({ where: { nickname: 'ann' } });
    // @ts-expect-error a number is no name
    void users.get({ where: { username: 1 } });
    // @ts-expect-error no such relation
    void users.filter({ include: { friends: true } });
    // @ts-expect-error no such field
    void users.get({ where: { id: 1 }, select: { nickname: true } });
    // @ts-expect-error conditions are needed
    void users.get({});
    // @ts-expect-error several counts are no number
    void users.count({ select: { id: true } });
  });
});

describe('models by their names', () => {
  it('are those of the client', () => {
    AsyncCachePrismaModule.forFeature(['user'], { client: PrismaService });
    AsyncCachePrismaModule.forFeature(['anything'], { client: 'A TOKEN' });
    // @ts-expect-error no such model
    AsyncCachePrismaModule.forFeature(['stranger'], { client: PrismaService });
    // @ts-expect-error a property that is no model
    AsyncCachePrismaModule.forFeature(['name'], { client: PrismaService });
    // @ts-expect-error the client is needed
    AsyncCachePrismaModule.forFeature(['user'], { ttl: 60 });
  });

  it('jobs are typed by the delegate', () => {
    const job = new EntityGetJob<PrismaClient['user']>('user', { client: PrismaService });
    expectTypeOf(job.get({ where: { id: 1 } })).resolves.toEqualTypeOf<User>();
    const staff = new EntityFilterJob<PrismaClient['user']>('user', { client: PrismaService, ttl: 60 });
    expectTypeOf(staff.filter({ where: { isStaff: true } })).resolves.toEqualTypeOf<User[]>();
    // @ts-expect-error no such field
    void job.get({ where: { nickname: 'ann' } });
  });
});
