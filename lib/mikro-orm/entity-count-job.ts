import type { MikroORM } from '@mikro-orm/core';
import { CountJob } from '../orm/count-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import type { Where } from './entity-get-job.js';
import { type EntityReference, MIKRO_ORM } from './mikro-orm.js';

/** Counts the rows of an entity that match. */
export class EntityCountJob<T extends object> extends CountJob<[where?: Where<T>]> {
  /** @param orm where it is known already; else that of the application is looked up by its name. */
  constructor(entity: EntityReference<T>, options: EntityJobOptions = {}, orm?: MikroORM) {
    super(MIKRO_ORM, entity, options, orm);
  }
}
