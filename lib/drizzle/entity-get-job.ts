import { GetJob } from '../orm/get-job.js';
import { drizzleOf, type EntityJobOptions, tableReference } from './drizzle.js';
import type { EntityArgs, EntityValue } from './query-types.js';

/**
 * Reads one row of a table. Without such a row a read rejects with an `EntityNotFoundError`, which is not cached.
 * Give it to Nest as a value, `new EntityGetJob<Database, 'users'>('users', { database: DB })`, or extend it.
 */
export class EntityGetJob<Database, Name extends string> extends GetJob<
  [args: EntityArgs<Database, Name, 'get'>],
  EntityValue<Database, Name>
> {
  /**
   * @param table its name in `db.query`.
   * @param connected the database, where it is known already; else that of the application is looked up by its token.
   */
  constructor(table: Name, { database, ...options }: EntityJobOptions, connected?: object) {
    super(drizzleOf(database), tableReference(table), options, connected);
  }
}
