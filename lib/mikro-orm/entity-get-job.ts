import type { FilterQuery, FindOneOptions, MikroORM } from '@mikro-orm/core';
import { GetJob } from '../orm/get-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import { type EntityReference, MIKRO_ORM } from './mikro-orm.js';

/** Conditions as MikroORM takes them. */
export type Where<T extends object> = FilterQuery<NoInfer<T>>;
/** Options of MikroORM's `findOneOrFail`, without those that make no sense for a cached read. */
export type GetOptions<T extends object> = Omit<
  FindOneOptions<T, string & keyof T>,
  'lockMode' | 'lockVersion' | 'lockTableAliases' | 'cache' | 'ctx' | 'signal'
>;

/**
 * Reads one row of an entity. Without such a row a read rejects with MikroORM's `NotFoundError`, which is not cached.
 * Give it to Nest as a value, `new EntityGetJob(User)`, or extend it.
 */
export class EntityGetJob<T extends object> extends GetJob<[where: Where<T>, options?: GetOptions<T>], T> {
  /** @param orm where it is known already; else that of the application is looked up by its name. */
  constructor(entity: EntityReference<T>, options: EntityJobOptions = {}, orm?: MikroORM) {
    super(MIKRO_ORM, entity, options, orm);
  }
}
