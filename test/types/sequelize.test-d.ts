import type { Reading } from 'nestjs-async-cache';
import {
  AsyncCacheSequelizeModule,
  type CachedRepository,
  EntityFilterJob,
  EntityGetJob,
} from 'nestjs-async-cache/sequelize';
import { type InferAttributes, Model, Op } from 'sequelize';
import { describe, expectTypeOf, it } from 'vitest';

class User extends Model<InferAttributes<User>> {
  declare id: number;
  declare username: string;
  declare isStaff: boolean;
}

declare const users: CachedRepository<User>;

describe('a cached repository has the types of Sequelize', () => {
  it('results are those of the model', () => {
    expectTypeOf(users.get({ username: 'ann' })).resolves.toEqualTypeOf<User>();
    expectTypeOf(users.get({ id: { [Op.gt]: 1 } }, { order: [['id', 'ASC']] })).resolves.toEqualTypeOf<User>();
    expectTypeOf(users.filter()).resolves.toEqualTypeOf<User[]>();
    expectTypeOf(users.filter({ id: [1, 2] }, { limit: 2 })).resolves.toEqualTypeOf<User[]>();
    expectTypeOf(users.count({ isStaff: true })).resolves.toEqualTypeOf<number>();
    expectTypeOf(users.getJob.read({ id: 1 })).resolves.toEqualTypeOf<Reading<User>>();
  });

  it('wrong fields do not compile', () => {
    // @ts-expect-error no such attribute
    void users.get({ nickname: 'ann' });
    // @ts-expect-error conditions are needed
    void users.get();
    // @ts-expect-error a limit is a number
    void users.filter({}, { limit: 'ten' });
    // @ts-expect-error locks make no sense for a cached read
    void users.get({ id: 1 }, { lock: true });
    // @ts-expect-error the transaction is that of the caller
    void users.get({ id: 1 }, { transaction: null });
    // @ts-expect-error counts have conditions only
    void users.count({}, { limit: 1 });
  });
});

describe('modules and jobs', () => {
  it('take models, and jobs are typed by them', () => {
    AsyncCacheSequelizeModule.forFeature([User], { ttl: 60 });
    // @ts-expect-error a name is no model
    AsyncCacheSequelizeModule.forFeature(['User']);
    // @ts-expect-error no such option
    AsyncCacheSequelizeModule.forFeature([User], { tll: 60 });
    class Staff extends EntityFilterJob<User> {
      constructor() {
        super(User);
      }
    }
    expectTypeOf(new Staff().filter({ isStaff: true })).resolves.toEqualTypeOf<User[]>();
    expectTypeOf(new EntityGetJob(User).get({ id: 1 })).resolves.toEqualTypeOf<User>();
    // @ts-expect-error no such attribute
    void new EntityGetJob(User).get({ nickname: 'ann' });
  });
});
