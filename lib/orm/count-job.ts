import { EntityJob } from './entity-job.js';
import type { EntityJobOptions, Orm } from './orm.js';

/** Counts rows. Adapters give it the arguments of their ORM. */
export abstract class CountJob<Args extends unknown[]> extends EntityJob {
  protected constructor(orm: Orm<never, never>, entity: unknown, options: EntityJobOptions, database?: object) {
    super(orm, 'count', entity, options, database);
  }

  fetch(...args: Args): Promise<number> {
    return this.fetchRows(...args) as Promise<number>;
  }
}
