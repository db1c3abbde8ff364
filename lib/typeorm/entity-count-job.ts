import type { DataSource, ObjectLiteral } from 'typeorm';
import { CountJob } from '../orm/count-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import type { Where } from './entity-get-job.js';
import { type EntityReference, TYPEORM } from './typeorm.js';

/** Counts the rows of an entity that match. */
export class EntityCountJob<T extends ObjectLiteral> extends CountJob<[where?: Where<T>]> {
  /** @param dataSource where it is known already; else that of the application is looked up by its name. */
  constructor(entity: EntityReference<T>, options: EntityJobOptions = {}, dataSource?: DataSource) {
    super(TYPEORM, entity, options, dataSource);
  }
}
