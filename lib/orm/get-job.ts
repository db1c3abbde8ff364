import { EntityJob } from './entity-job.js';
import type { EntityJobOptions, Orm } from './orm.js';

/** Reads one row. Adapters give it the arguments and the row of their ORM. */
export abstract class GetJob<Args extends unknown[], Row> extends EntityJob {
  protected constructor(orm: Orm<never, never>, entity: unknown, options: EntityJobOptions, database?: object) {
    super(orm, 'get', entity, options, database);
  }

  fetch(...args: Args): Promise<Row> {
    return this.fetchRows(...args) as Promise<Row>;
  }
}
