import { EntityReads } from '../orm/entity-reads.js';
import type { EntityArgs, EntityValue, ExactArgs, RowReads, RowsReads } from './delegate.js';
import type { EntityCountJob } from './entity-count-job.js';
import type { EntityFilterJob } from './entity-filter-job.js';
import type { EntityGetJob } from './entity-get-job.js';

/**
 * The cached reads of one model, `CachedDelegate<PrismaClient['user']>`, in the types of Prisma. A read inside of a
 * transaction goes to the database.
 */
export class CachedDelegate<Delegate> extends EntityReads<
  RowReads<Delegate> & EntityGetJob<Delegate>,
  RowsReads<Delegate> & EntityFilterJob<Delegate>,
  EntityCountJob<Delegate>
> {
  /** One row. Rejects with Prisma's own error `P2025` when there is none, which is not cached. */
  get<Given extends EntityArgs<Delegate, 'get'>>(
    args: ExactArgs<Delegate, 'get', Given>,
  ): Promise<EntityValue<Delegate, 'get', Given>> {
    return this.getJob.get(args);
  }

  /** The rows that match; all rows without conditions. */
  filter<Given extends EntityArgs<Delegate, 'filter'>>(
    args?: ExactArgs<Delegate, 'filter', Given>,
  ): Promise<EntityValue<Delegate, 'filter', Given>> {
    return this.filterJob.get(args);
  }
}
