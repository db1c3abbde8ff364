import type { EntityJob } from './entity-job.js';

/** The three cached reads of one entity, and their invalidation by hand. Adapters add calls in the types of their ORM. */
export class CachedReads<Get extends EntityJob, Filter extends EntityJob, Count extends EntityJob> {
  constructor(
    /** The job behind `get`. */
    readonly getJob: Get,
    /** The job behind `filter`. */
    readonly filterJob: Filter,
    /** The job behind `count`. */
    readonly countJob: Count,
  ) {}

  /**
   * For writes that the ORM does not report. Makes stale what a write of the row with this id would: its own reads, and
   * every filter and count. Without an id every read of the entity. Rejects when the store did not take it.
   */
  invalidate(id?: unknown): Promise<void> {
    return this.getJob.invalidateRows(id);
  }
}
