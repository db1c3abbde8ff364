import type { DataSource, ObjectLiteral } from 'typeorm';
import { CachedReads, namedFor } from '../orm/cached-reads.js';
import type { EntityJobOptions } from '../orm/orm.js';
import { EntityCountJob } from './entity-count-job.js';
import { EntityFilterJob } from './entity-filter-job.js';
import { EntityGetJob } from './entity-get-job.js';
import type { EntityReference } from './typeorm.js';

/** The cached reads of one entity, in the types of TypeORM. A read inside of a transaction goes to the database. */
export class CachedRepository<T extends ObjectLiteral> extends CachedReads<
  EntityGetJob<T>,
  EntityFilterJob<T>,
  EntityCountJob<T>
> {
  constructor(entity: EntityReference<T>, options: EntityJobOptions, dataSource: DataSource) {
    super(
      new EntityGetJob(entity, namedFor('get', options), dataSource),
      new EntityFilterJob(entity, namedFor('filter', options), dataSource),
      new EntityCountJob(entity, namedFor('count', options), dataSource),
    );
  }
}
