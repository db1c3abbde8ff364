import type { DataSource, ObjectLiteral } from 'typeorm';
import { EntityJob } from '../orm/entity-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import type { Where } from './entity-get-job.js';
import { type EntityReference, TYPEORM } from './typeorm.js';

/** Counts the rows of an entity that match. */
export class EntityCountJob<T extends ObjectLiteral> extends EntityJob {
  /** @param dataSource where it is known already; else that of the application is looked up by its name. */
  constructor(entity: EntityReference<T>, options: EntityJobOptions = {}, dataSource?: DataSource) {
    super(TYPEORM, 'count', entity, options, new.target, dataSource);
  }

  fetch(where?: Where<T>): Promise<number> {
    return this.fetchRows(where) as Promise<number>;
  }
}
