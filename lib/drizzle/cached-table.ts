import { EntityReads } from '../orm/entity-reads.js';
import type { EntityCountJob } from './entity-count-job.js';
import type { EntityFilterJob } from './entity-filter-job.js';
import type { EntityGetJob } from './entity-get-job.js';
import type { EntityArgs, EntityValue, TableName } from './query-types.js';

/**
 * The cached reads of one table, `CachedTable<Database, 'users'>`, in the types of Drizzle's relational queries. A read
 * inside of a transaction goes to the database.
 */
export class CachedTable<Database, Name extends TableName<Database>> extends EntityReads<
  EntityGetJob<Database, Name>,
  EntityFilterJob<Database, Name>,
  EntityCountJob<Database, Name>
> {
  /** One row. Rejects with an `EntityNotFoundError` when there is none, which is not cached. */
  get<const Given extends EntityArgs<Database, Name, 'get'>>(args: Given): Promise<EntityValue<Database, Name, Given>> {
    return this.getJob.get(args) as unknown as Promise<EntityValue<Database, Name, Given>>;
  }

  /** The rows that match; all rows without conditions. */
  filter<const Given extends EntityArgs<Database, Name, 'filter'>>(
    args?: Given,
  ): Promise<EntityValue<Database, Name, Given>[]> {
    return this.filterJob.get(args) as unknown as Promise<EntityValue<Database, Name, Given>[]>;
  }
}
