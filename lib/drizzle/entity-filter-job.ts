import { EntityJob } from '../orm/entity-job.js';
import { drizzleOf, type EntityJobOptions, tableReference } from './drizzle.js';
import type { EntityArgs, EntityValue } from './query-types.js';

/** Reads the rows of a table that match. Give it to Nest as a value, or extend it. */
export class EntityFilterJob<Database, Name extends string> extends EntityJob {
  /**
   * @param table its name in `db.query`.
   * @param connected the database, where it is known already; else that of the application is looked up by its token.
   */
  constructor(table: Name, { database, ...options }: EntityJobOptions, connected?: object) {
    super(drizzleOf(database), 'filter', tableReference(table), options, new.target, connected);
  }

  fetch(args?: EntityArgs<Database, Name, 'filter'>): Promise<EntityValue<Database, Name>[]> {
    return this.fetchRows(args) as Promise<EntityValue<Database, Name>[]>;
  }

  /** The same as `get`. */
  filter(args?: EntityArgs<Database, Name, 'filter'>): Promise<EntityValue<Database, Name>[]> {
    return (this as EntityFilterJob<Database, Name>).get(args);
  }
}
