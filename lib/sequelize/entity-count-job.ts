import type { Model, Sequelize } from 'sequelize';
import { CountJob } from '../orm/count-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import type { Where } from './entity-get-job.js';
import { type ModelReference, SEQUELIZE } from './sequelize.js';

/** Counts the rows of a model that match. */
export class EntityCountJob<M extends Model> extends CountJob<[where?: Where<M>]> {
  /** @param sequelize where it is known already; else that of the application is looked up by its name. */
  constructor(model: ModelReference<M>, options: EntityJobOptions = {}, sequelize?: Sequelize) {
    super(SEQUELIZE, model, options, sequelize);
  }
}
