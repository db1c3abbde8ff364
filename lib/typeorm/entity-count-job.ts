import type { DataSource, ObjectLiteral } from 'typeorm';
import type { Where } from './entity-get-job.js';
import { type EntityJobOptions, type EntityReference, TypeOrmJob } from './typeorm-job.js';

/** Counts the rows of an entity that match. */
export class EntityCountJob<T extends ObjectLiteral> extends TypeOrmJob<T> {
  /** @param dataSource where it is known already; else that of the application is looked up by its name. */
  constructor(entity: EntityReference<T>, options: EntityJobOptions = {}, dataSource?: DataSource) {
    super('count', entity, options, new.target, dataSource);
  }

  fetch(where?: Where<T>): Promise<number> {
    return this.source.read('count', [where]) as Promise<number>;
  }
}
