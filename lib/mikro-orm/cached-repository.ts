import { CachedReads } from '../orm/cached-reads.js';
import type { EntityCountJob } from './entity-count-job.js';
import type { EntityFilterJob } from './entity-filter-job.js';
import type { EntityGetJob } from './entity-get-job.js';

/** The cached reads of one entity, in the types of MikroORM. A read inside of a transaction goes to the database. */
export class CachedRepository<T extends object> extends CachedReads<
  EntityGetJob<T>,
  EntityFilterJob<T>,
  EntityCountJob<T>
> {}
