import { namedFor } from '../orm/cached-reads.js';
import type { EntityJobOptions } from './drizzle.js';
import { EntityCountJob } from './entity-count-job.js';
import { EntityFilterJob } from './entity-filter-job.js';
import { EntityGetJob } from './entity-get-job.js';
import type { EntityArgs, EntityValue, TableName } from './query-types.js';

/**
 * The cached reads of one table, `CachedTable<Database, 'users'>`, in the types of Drizzle's relational queries. A read
 * inside of a transaction goes to the database.
 */
export class CachedTable<Database, Name extends TableName<Database>> {
  /** The job behind `get`. */
  readonly getJob: EntityGetJob<Database, Name>;
  /** The job behind `filter`. */
  readonly filterJob: EntityFilterJob<Database, Name>;
  /** The job behind `count`. */
  readonly countJob: EntityCountJob<Database, Name>;

  constructor(table: Name, { database, ...options }: EntityJobOptions, connected: object) {
    this.getJob = new EntityGetJob(table, { ...namedFor('get', options), database }, connected);
    this.filterJob = new EntityFilterJob(table, { ...namedFor('filter', options), database }, connected);
    this.countJob = new EntityCountJob(table, { ...namedFor('count', options), database }, connected);
  }

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

  /** How many rows match. */
  count(args?: EntityArgs<Database, Name, 'count'>): Promise<number> {
    return this.countJob.get(args);
  }

  /**
   * For writes that Drizzle does not report. Makes stale what a write of the row with this id would: its own reads, and
   * every filter and count. Without an id every read of the table. Rejects when the store did not take it.
   */
  invalidate(id?: unknown): Promise<void> {
    return this.getJob.invalidateRows(id);
  }
}
