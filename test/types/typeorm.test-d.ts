import type { Reading } from 'nestjs-async-cache';
import {
  AsyncCacheTypeOrmModule,
  type CachedRepository,
  EntityFilterJob,
  EntityGetJob,
  InjectCachedRepository,
} from 'nestjs-async-cache/typeorm';
import { type EntitySchema, In, Like } from 'typeorm';
import { describe, expectTypeOf, it } from 'vitest';
import { Order, User } from '../typeorm/support/entities.js';

declare const users: CachedRepository<User>;
declare const schema: EntitySchema<User>;

describe('a cached repository has the types of TypeORM', () => {
  it('results are those of the entity', () => {
    expectTypeOf(users.get({ username: 'ann' })).resolves.toEqualTypeOf<User>();
    expectTypeOf(users.get([{ id: 1 }, { name: Like('A%') }])).resolves.toEqualTypeOf<User>();
    expectTypeOf(users.get({ id: 1 }, { relations: { orders: true } })).resolves.toEqualTypeOf<User>();
    expectTypeOf(users.filter()).resolves.toEqualTypeOf<User[]>();
    expectTypeOf(users.filter({ id: In([1, 2]) }, { order: { name: 'ASC' }, take: 2 })).resolves.toEqualTypeOf<
      User[]
    >();
    expectTypeOf(users.count({ profile: { city: 'Graz' } })).resolves.toEqualTypeOf<number>();
    expectTypeOf(users.getJob.read({ id: 1 })).resolves.toEqualTypeOf<Reading<User>>();
    expectTypeOf(users.filterJob.filter({ isStaff: true })).resolves.toEqualTypeOf<User[]>();
  });

  it('wrong fields do not compile', () => {
    // @ts-expect-error no such column
    void users.get({ nickname: 'ann' });
    // @ts-expect-error a number is no name
    void users.get({ username: 1 });
    // @ts-expect-error no such relation
    void users.filter({}, { relations: { friends: true } });
    // @ts-expect-error no such column to order by
    void users.filter({}, { order: { nickname: 'ASC' } });
    // @ts-expect-error conditions are needed
    void users.get();
    // @ts-expect-error locks make no sense for a cached read
    void users.get({ id: 1 }, { lock: { mode: 'pessimistic_read' } });
    // @ts-expect-error conditions are the first argument
    void users.filter({}, { where: { id: 1 } });
    // @ts-expect-error counts have conditions only
    void users.count({}, { take: 1 });
  });
});

describe('modules and jobs', () => {
  it('take entities and schemas', () => {
    AsyncCacheTypeOrmModule.forFeature([User, Order], { ttl: 60 });
    InjectCachedRepository(User, 'archive');
    expectTypeOf(new EntityGetJob(schema).get({ id: 1 })).resolves.toEqualTypeOf<User>();
    // @ts-expect-error a name is no entity
    AsyncCacheTypeOrmModule.forFeature(['User']);
    // @ts-expect-error no such option
    AsyncCacheTypeOrmModule.forFeature([User], { tll: 60 });
  });

  it('jobs are typed by the entity, and so are their subclasses', () => {
    class Staff extends EntityFilterJob<User> {
      ttl = 300;
      constructor() {
        super(User);
      }
    }
    expectTypeOf(new Staff().filter({ isStaff: true })).resolves.toEqualTypeOf<User[]>();
    expectTypeOf(new EntityGetJob(User, { ttl: '5m' }).get({ id: 1 })).resolves.toEqualTypeOf<User>();
    // @ts-expect-error no such column
    void new EntityGetJob(User).get({ nickname: 'ann' });
    // @ts-expect-error no such column
    void new Staff().filter({ nickname: 'ann' });
  });
});
