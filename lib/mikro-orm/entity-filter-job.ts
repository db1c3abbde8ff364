import type { FindOptions, MikroORM } from '@mikro-orm/core';
import { FilterJob } from '../orm/filter-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import type { Where } from './entity-get-job.js';
import { type EntityReference, MIKRO_ORM } from './mikro-orm.js';

/** Options of MikroORM's `find`, without those that make no sense for a cached read. */
export type FilterOptions<T extends object> = Omit<
  FindOptions<T, string & keyof T>,
  'where' | 'lockMode' | 'lockVersion' | 'lockTableAliases' | 'cache' | 'ctx' | 'signal'
>;

/** Reads the rows of an entity that match. Give it to Nest as a value, `new EntityFilterJob(User)`, or extend it. */
export class EntityFilterJob<T extends object> extends FilterJob<[where?: Where<T>, options?: FilterOptions<T>], T[]> {
  /** @param orm where it is known already; else that of the application is looked up by its name. */
  constructor(entity: EntityReference<T>, options: EntityJobOptions = {}, orm?: MikroORM) {
    super(MIKRO_ORM, entity, options, orm);
  }
}
