import type { Attributes, FindOptions, Model, Sequelize, WhereOptions } from 'sequelize';
import { GetJob } from '../orm/get-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import { type ModelReference, SEQUELIZE } from './sequelize.js';

/** Conditions as Sequelize takes them. */
export type Where<M extends Model> = WhereOptions<Attributes<M>>;
/** Options of Sequelize's `findOne`, without those that make no sense for a cached read. */
export type GetOptions<M extends Model> = Omit<
  FindOptions<Attributes<M>>,
  'where' | 'lock' | 'skipLocked' | 'transaction' | 'logging' | 'plain' | 'raw' | 'nest' | 'rejectOnEmpty'
>;

/**
 * Reads one row of a model. Without such a row a read rejects with Sequelize's `EmptyResultError`, which is not cached.
 * Give it to Nest as a value, `new EntityGetJob(User)`, or extend it.
 */
export class EntityGetJob<M extends Model> extends GetJob<[where: Where<M>, options?: GetOptions<M>], M> {
  /** @param sequelize where it is known already; else that of the application is looked up by its name. */
  constructor(model: ModelReference<M>, options: EntityJobOptions = {}, sequelize?: Sequelize) {
    super(SEQUELIZE, model, options, sequelize);
  }
}
