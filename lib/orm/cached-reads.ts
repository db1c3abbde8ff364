import type { JobArguments, JobValue } from '../nest/async-cache-job.js';
import type { EntityJob } from './entity-job.js';
import { EntityReads } from './entity-reads.js';

/** The cached reads of one entity, with the types of its jobs. */
export class CachedReads<Get extends EntityJob, Filter extends EntityJob, Count extends EntityJob> extends EntityReads<
  Get,
  Filter,
  Count
> {
  /** One row. Rejects with the ORM's own error when there is none, which is not cached. */
  get(...args: JobArguments<Get>): Promise<JobValue<Get>> {
    return this.getJob.get(...args);
  }

  /** The rows that match; all rows without conditions. */
  filter(...args: JobArguments<Filter>): Promise<JobValue<Filter>> {
    return this.filterJob.get(...args);
  }
}
