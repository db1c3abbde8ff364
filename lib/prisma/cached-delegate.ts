import type { Types } from '@prisma/client/runtime/client';
import { namedFor } from '../orm/cached-reads.js';
import type { EntityArgs, EntityValue } from './delegate.js';
import { EntityCountJob } from './entity-count-job.js';
import { EntityFilterJob } from './entity-filter-job.js';
import { EntityGetJob } from './entity-get-job.js';
import type { EntityJobOptions } from './prisma.js';

type Exact<Given, Expected> = Types.Public.Exact<Given, Expected>;

/**
 * The cached reads of one model, `CachedDelegate<PrismaClient['user']>`, in the types of Prisma. A read inside of a
 * transaction goes to the database.
 */
export class CachedDelegate<Delegate> {
  /** The job behind `get`. */
  readonly getJob: EntityGetJob<Delegate>;
  /** The job behind `filter`. */
  readonly filterJob: EntityFilterJob<Delegate>;
  /** The job behind `count`. */
  readonly countJob: EntityCountJob<Delegate>;

  constructor(model: string, { client, ...options }: EntityJobOptions, database: object) {
    this.getJob = new EntityGetJob(model, { ...namedFor('get', options), client }, database);
    this.filterJob = new EntityFilterJob(model, { ...namedFor('filter', options), client }, database);
    this.countJob = new EntityCountJob(model, { ...namedFor('count', options), client }, database);
  }

  /** One row. Rejects with Prisma's own error `P2025` when there is none, which is not cached. */
  get<Given extends EntityArgs<Delegate, 'get'>>(
    args: Exact<Given, EntityArgs<Delegate, 'get'>>,
  ): Promise<EntityValue<Delegate, 'get', Given>> {
    return this.getJob.get(args as EntityArgs<Delegate, 'get'>) as Promise<EntityValue<Delegate, 'get', Given>>;
  }

  /** The rows that match; all rows without conditions. */
  filter<Given extends EntityArgs<Delegate, 'filter'>>(
    args?: Exact<Given, EntityArgs<Delegate, 'filter'>>,
  ): Promise<EntityValue<Delegate, 'filter', Given>> {
    return this.filterJob.get(args as EntityArgs<Delegate, 'filter'>) as Promise<
      EntityValue<Delegate, 'filter', Given>
    >;
  }

  /** How many rows match. */
  count(args?: EntityArgs<Delegate, 'count'>): Promise<number> {
    return this.countJob.get(args);
  }

  /**
   * For writes that Prisma does not report. Makes stale what a write of the row with this id would: its own reads, and
   * every filter and count. Without an id every read of the model. Rejects when the store did not take it.
   */
  invalidate(id?: unknown): Promise<void> {
    return this.getJob.invalidateRows(id);
  }
}
