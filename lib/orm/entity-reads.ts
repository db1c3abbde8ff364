import type { JobArguments, JobValue } from '../nest/async-cache-job.js';
import type { EntityJob } from './entity-job.js';

/** The jobs of one entity, and their invalidation by hand. `repositoryModule` makes one for each entity. */
export class EntityReads<Get extends EntityJob, Filter extends EntityJob, Count extends EntityJob> {
  constructor(
    /** The job behind `get`. */
    readonly getJob: Get,
    /** The job behind `filter`. */
    readonly filterJob: Filter,
    /** The job behind `count`. */
    readonly countJob: Count,
  ) {}

  /** How many rows match. */
  count(...args: JobArguments<Count>): Promise<JobValue<Count>> {
    return this.countJob.get(...args);
  }

  /**
   * For writes that the ORM does not report. Makes stale what a write of the row with this id would: its own reads, and
   * every filter and count. Without an id every read of the entity. Rejects when the store did not take it.
   */
  invalidate(id?: unknown): Promise<void> {
    return this.getJob.invalidateRows(id);
  }
}
