import type { Model } from 'sequelize';
import { CachedReads } from '../orm/cached-reads.js';
import type { EntityCountJob } from './entity-count-job.js';
import type { EntityFilterJob } from './entity-filter-job.js';
import type { EntityGetJob } from './entity-get-job.js';

/** The cached reads of one model, in the types of Sequelize. A read inside of a transaction goes to the database. */
export class CachedRepository<M extends Model> extends CachedReads<
  EntityGetJob<M>,
  EntityFilterJob<M>,
  EntityCountJob<M>
> {}
