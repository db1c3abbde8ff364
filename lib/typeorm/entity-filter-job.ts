import type { DataSource, FindManyOptions, ObjectLiteral } from 'typeorm';
import { EntityJob } from '../orm/entity-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import type { Where } from './entity-get-job.js';
import { type EntityReference, TYPEORM } from './typeorm.js';

/** Options of TypeORM's `find`, without those that make no sense for a cached read. */
export type FilterOptions<T> = Omit<FindManyOptions<T>, 'where' | 'cache' | 'lock' | 'transaction'>;

/** Reads the rows of an entity that match. Give it to Nest as a value, `new EntityFilterJob(User)`, or extend it. */
export class EntityFilterJob<T extends ObjectLiteral> extends EntityJob {
  /** @param dataSource where it is known already; else that of the application is looked up by its name. */
  constructor(entity: EntityReference<T>, options: EntityJobOptions = {}, dataSource?: DataSource) {
    super(TYPEORM, 'filter', entity, options, new.target, dataSource);
  }

  fetch(where?: Where<T>, options?: FilterOptions<T>): Promise<T[]> {
    return this.fetchRows(where, options) as Promise<T[]>;
  }

  /** The same as `get`. */
  filter(where?: Where<T>, options?: FilterOptions<T>): Promise<T[]> {
    return (this as EntityFilterJob<T>).get(where, options);
  }
}
