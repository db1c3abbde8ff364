import type { JobArguments, JobValue } from '../nest/async-cache-job.js';
import type { EntityJob } from './entity-job.js';
import type { ReadKind } from './entity-source.js';
import type { EntityJobOptions } from './orm.js';

/** The three cached reads of one entity, and their invalidation by hand. The jobs have the types of their ORM. */
export class CachedReads<Get extends EntityJob, Filter extends EntityJob, Count extends EntityJob> {
  constructor(
    /** The job behind `get`. */
    readonly getJob: Get,
    /** The job behind `filter`. */
    readonly filterJob: Filter,
    /** The job behind `count`. */
    readonly countJob: Count,
  ) {}

  /** One row. Rejects with the ORM's own error when there is none, which is not cached. */
  get(...args: JobArguments<Get>): Promise<JobValue<Get>> {
    return this.getJob.get(...args);
  }

  /** The rows that match; all rows without conditions. */
  filter(...args: JobArguments<Filter>): Promise<JobValue<Filter>> {
    return this.filterJob.get(...args);
  }

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

/** The options of one of the three jobs: with a `name` each has one of its own. */
export function namedFor(kind: ReadKind, { name, ...options }: EntityJobOptions): EntityJobOptions {
  return name === undefined ? options : { ...options, name: `${name}.${kind}` };
}
