import type { DataSource, FindManyOptions, ObjectLiteral } from 'typeorm';
import { FilterJob } from '../orm/filter-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import type { Where } from './entity-get-job.js';
import { type EntityReference, TYPEORM } from './typeorm.js';

/** Options of TypeORM's `find`, without those that make no sense for a cached read. */
export type FilterOptions<T> = Omit<FindManyOptions<T>, 'where' | 'cache' | 'lock' | 'transaction'>;

/** Reads the rows of an entity that match. Give it to Nest as a value, `new EntityFilterJob(User)`, or extend it. */
export class EntityFilterJob<T extends ObjectLiteral> extends FilterJob<
  [where?: Where<T>, options?: FilterOptions<T>],
  T[]
> {
  /** @param dataSource where it is known already; else that of the application is looked up by its name. */
  constructor(entity: EntityReference<T>, options: EntityJobOptions = {}, dataSource?: DataSource) {
    super(TYPEORM, entity, options, dataSource);
  }
}
