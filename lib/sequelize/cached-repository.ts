import type { Model, Sequelize } from 'sequelize';
import { CachedReads, namedFor } from '../orm/cached-reads.js';
import type { EntityJobOptions } from '../orm/orm.js';
import { EntityCountJob } from './entity-count-job.js';
import { EntityFilterJob } from './entity-filter-job.js';
import { EntityGetJob } from './entity-get-job.js';
import type { ModelReference } from './sequelize.js';

/** The cached reads of one model, in the types of Sequelize. A read inside of a transaction goes to the database. */
export class CachedRepository<M extends Model> extends CachedReads<
  EntityGetJob<M>,
  EntityFilterJob<M>,
  EntityCountJob<M>
> {
  constructor(model: ModelReference<M>, options: EntityJobOptions, sequelize: Sequelize) {
    super(
      new EntityGetJob(model, namedFor('get', options), sequelize),
      new EntityFilterJob(model, namedFor('filter', options), sequelize),
      new EntityCountJob(model, namedFor('count', options), sequelize),
    );
  }
}
