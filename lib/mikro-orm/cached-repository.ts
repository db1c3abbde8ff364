import type { MikroORM } from '@mikro-orm/core';
import { CachedReads, namedFor } from '../orm/cached-reads.js';
import type { EntityJobOptions } from '../orm/orm.js';
import { EntityCountJob } from './entity-count-job.js';
import { EntityFilterJob } from './entity-filter-job.js';
import { EntityGetJob } from './entity-get-job.js';
import type { EntityReference } from './mikro-orm.js';

/** The cached reads of one entity, in the types of MikroORM. A read inside of a transaction goes to the database. */
export class CachedRepository<T extends object> extends CachedReads<
  EntityGetJob<T>,
  EntityFilterJob<T>,
  EntityCountJob<T>
> {
  constructor(entity: EntityReference<T>, options: EntityJobOptions, orm: MikroORM) {
    super(
      new EntityGetJob(entity, namedFor('get', options), orm),
      new EntityFilterJob(entity, namedFor('filter', options), orm),
      new EntityCountJob(entity, namedFor('count', options), orm),
    );
  }
}
