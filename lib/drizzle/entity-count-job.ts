import { CountJob } from '../orm/count-job.js';
import { drizzleOf, type EntityJobOptions, tableReference } from './drizzle.js';
import type { EntityArgs } from './query-types.js';

/** Counts the rows of a table that match. */
export class EntityCountJob<Database, Name extends string> extends CountJob<
  [args?: EntityArgs<Database, Name, 'count'>]
> {
  /**
   * @param table its name in `db.query`.
   * @param connected the database, where it is known already; else that of the application is looked up by its token.
   */
  constructor(table: Name, { database, ...options }: EntityJobOptions, connected?: object) {
    super(drizzleOf(database), tableReference(table), options, connected);
  }
}
