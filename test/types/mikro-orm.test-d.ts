import { EntitySchema } from '@mikro-orm/core';
import type { Reading } from 'nestjs-async-cache';
import {
  AsyncCacheMikroOrmModule,
  type CachedRepository,
  EntityFilterJob,
  EntityGetJob,
} from 'nestjs-async-cache/mikro-orm';
import { describe, expectTypeOf, it } from 'vitest';
import { Order, User } from '../mikro-orm/support/entities.js';

declare const users: CachedRepository<User>;

describe('a cached repository has the types of MikroORM', () => {
  it('results are those of the entity', () => {
    expectTypeOf(users.get({ username: 'ann' })).resolves.toEqualTypeOf<User>();
    expectTypeOf(users.get(1)).resolves.toEqualTypeOf<User>();
    expectTypeOf(users.filter()).resolves.toEqualTypeOf<User[]>();
    expectTypeOf(users.filter({ id: { $in: [1, 2] } }, { orderBy: { name: 'asc' }, limit: 2 })).resolves.toEqualTypeOf<
      User[]
    >();
    expectTypeOf(users.count({ profile: { city: 'Graz' } })).resolves.toEqualTypeOf<number>();
    expectTypeOf(users.getJob.read({ id: 1 })).resolves.toEqualTypeOf<Reading<User>>();
  });

  it('wrong fields do not compile', () => {
    // @ts-expect-error no such property
    void users.get({ nickname: 'ann' });
    // @ts-expect-error a number is no name
    void users.get({ username: 1 });
    // @ts-expect-error conditions are needed
    void users.get();
    // @ts-expect-error no such property to order by
    void users.filter({}, { orderBy: { nickname: 'asc' } });
    // @ts-expect-error locks make no sense for a cached read
    void users.get({ id: 1 }, { lockMode: 1 });
    // @ts-expect-error counts have conditions only
    void users.count({}, { limit: 1 });
  });
});

describe('modules and jobs', () => {
  it('take entities and schemas, and jobs are typed by them', () => {
    AsyncCacheMikroOrmModule.forFeature([User, Order], { ttl: 60 });
    const schema = new EntitySchema<User>({ class: User, properties: {} as never });
    expectTypeOf(new EntityGetJob(schema).get({ id: 1 })).resolves.toEqualTypeOf<User>();
    // @ts-expect-error a name is no entity
    AsyncCacheMikroOrmModule.forFeature(['User']);
    // @ts-expect-error no such option
    AsyncCacheMikroOrmModule.forFeature([User], { tll: 60 });
    class Staff extends EntityFilterJob<User> {
      constructor() {
        super(User);
      }
    }
    expectTypeOf(new Staff().filter({ isStaff: true })).resolves.toEqualTypeOf<User[]>();
    // @ts-expect-error no such property
    void new EntityGetJob(User).get({ nickname: 'ann' });
  });
});
