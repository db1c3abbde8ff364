import type { JobArguments, JobValue } from '../nest/async-cache-job.js';
import { EntityJob } from './entity-job.js';
import type { EntityJobOptions, Orm } from './orm.js';

/** Reads rows. Adapters give it the arguments and the rows of their ORM. */
export abstract class FilterJob<Args extends unknown[], Rows> extends EntityJob {
  protected constructor(orm: Orm<never, never>, entity: unknown, options: EntityJobOptions, database?: object) {
    super(orm, 'filter', entity, options, database);
  }

  fetch(...args: Args): Promise<Rows> {
    return this.fetchRows(...args) as Promise<Rows>;
  }

  /** The same as `get`. */
  filter(...args: JobArguments<this>): Promise<JobValue<this>> {
    return this.get(...args);
  }
}
