import type { DataSource, ObjectLiteral } from 'typeorm';
import { CachedReads } from '../orm/cached-reads.js';
import { EntityCountJob } from './entity-count-job.js';
import { EntityFilterJob, type FilterOptions } from './entity-filter-job.js';
import { EntityGetJob, type GetOptions, type Where } from './entity-get-job.js';
import type { EntityJobOptions, EntityReference } from './typeorm-job.js';

/** The cached reads of one entity, in the types of TypeORM. A read inside of a transaction goes to the database. */
export class CachedRepository<T extends ObjectLiteral> extends CachedReads<
  EntityGetJob<T>,
  EntityFilterJob<T>,
  EntityCountJob<T>
> {
  constructor(entity: EntityReference<T>, { name, ...options }: EntityJobOptions, dataSource: DataSource) {
    const named = (kind: string): EntityJobOptions =>
      name === undefined ? options : { ...options, name: `${name}.${kind}` };
    super(
      new EntityGetJob(entity, named('get'), dataSource),
      new EntityFilterJob(entity, named('filter'), dataSource),
      new EntityCountJob(entity, named('count'), dataSource),
    );
  }

  /** One row. Rejects with TypeORM's `EntityNotFoundError` when there is none, which is not cached. */
  get(where: Where<T>, options?: GetOptions<T>): Promise<T> {
    return this.getJob.get(where, options);
  }

  /** The rows that match; all rows without conditions. */
  filter(where?: Where<T>, options?: FilterOptions<T>): Promise<T[]> {
    return this.filterJob.get(where, options);
  }

  /** How many rows match. */
  count(where?: Where<T>): Promise<number> {
    return this.countJob.get(where);
  }
}
