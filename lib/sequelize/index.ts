/**
 * Cached reads of Sequelize's models.
 *
 * @module nestjs-async-cache/sequelize
 */
export { AsyncCacheSequelizeModule } from './async-cache-sequelize.module.js';
export { CachedRepository } from './cached-repository.js';
export { EntityCountJob } from './entity-count-job.js';
export { EntityFilterJob, type FilterOptions } from './entity-filter-job.js';
export { EntityGetJob, type GetOptions, type Where } from './entity-get-job.js';
export { getCachedRepositoryToken, InjectCachedRepository } from './inject-cached-repository.js';
export type { ModelReference } from './sequelize.js';
export type { EntityJobOptions } from '../orm/orm.js';
