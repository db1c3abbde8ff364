/**
 * Cached reads of TypeORM's entities.
 *
 * @module nestjs-async-cache/typeorm
 */
export { AsyncCacheTypeOrmModule } from './async-cache-typeorm.module.js';
export { CachedRepository } from './cached-repository.js';
export { EntityCountJob } from './entity-count-job.js';
export { EntityFilterJob, type FilterOptions } from './entity-filter-job.js';
export { EntityGetJob, type GetOptions, type Where } from './entity-get-job.js';
export { getCachedRepositoryToken, InjectCachedRepository } from './inject-cached-repository.js';
export type { EntityReference } from './typeorm.js';
export type { EntityJobOptions } from '../orm/orm.js';
