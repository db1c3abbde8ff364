import type { MikroORM } from '@mikro-orm/core';
import { EntityJob } from '../orm/entity-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import type { Where } from './entity-get-job.js';
import { type EntityReference, MIKRO_ORM } from './mikro-orm.js';

/** Counts the rows of an entity that match. */
export class EntityCountJob<T extends object> extends EntityJob {
  /** @param orm where it is known already; else that of the application is looked up by its name. */
  constructor(entity: EntityReference<T>, options: EntityJobOptions = {}, orm?: MikroORM) {
    super(MIKRO_ORM, 'count', entity, options, new.target, orm);
  }

  fetch(where?: Where<T>): Promise<number> {
    return this.fetchRows(where) as Promise<number>;
  }
}
