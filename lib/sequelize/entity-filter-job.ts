import type { Model, Sequelize } from 'sequelize';
import { FilterJob } from '../orm/filter-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import type { GetOptions, Where } from './entity-get-job.js';
import { type ModelReference, SEQUELIZE } from './sequelize.js';

/** Options of Sequelize's `findAll`, without those that make no sense for a cached read. */
export type FilterOptions<M extends Model> = GetOptions<M>;

/** Reads the rows of a model that match. Give it to Nest as a value, `new EntityFilterJob(User)`, or extend it. */
export class EntityFilterJob<M extends Model> extends FilterJob<[where?: Where<M>, options?: FilterOptions<M>], M[]> {
  /** @param sequelize where it is known already; else that of the application is looked up by its name. */
  constructor(model: ModelReference<M>, options: EntityJobOptions = {}, sequelize?: Sequelize) {
    super(SEQUELIZE, model, options, sequelize);
  }
}
