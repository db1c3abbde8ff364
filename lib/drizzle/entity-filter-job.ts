import { FilterJob } from '../orm/filter-job.js';
import { drizzleOf, type EntityJobOptions, tableReference } from './drizzle.js';
import type { EntityArgs, EntityValue } from './query-types.js';

/** Reads the rows of a table that match. Give it to Nest as a value, or extend it. */
export class EntityFilterJob<Database, Name extends string> extends FilterJob<
  [args?: EntityArgs<Database, Name, 'filter'>],
  EntityValue<Database, Name>[]
> {
  /**
   * @param table its name in `db.query`.
   * @param connected the database, where it is known already; else that of the application is looked up by its token.
   */
  constructor(table: Name, { database, ...options }: EntityJobOptions, connected?: object) {
    super(drizzleOf(database), tableReference(table), options, connected);
  }
}
