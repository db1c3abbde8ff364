import type { Model, Sequelize } from 'sequelize';
import { EntityJob } from '../orm/entity-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import type { Where } from './entity-get-job.js';
import { type ModelReference, SEQUELIZE } from './sequelize.js';

/** Counts the rows of a model that match. */
export class EntityCountJob<M extends Model> extends EntityJob {
  /** @param sequelize where it is known already; else that of the application is looked up by its name. */
  constructor(model: ModelReference<M>, options: EntityJobOptions = {}, sequelize?: Sequelize) {
    super(SEQUELIZE, 'count', model, options, new.target, sequelize);
  }

  fetch(where?: Where<M>): Promise<number> {
    return this.fetchRows(where) as Promise<number>;
  }
}
