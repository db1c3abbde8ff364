/**
 * Cached reads of MikroORM's entities.
 *
 * @module nestjs-async-cache/mikro-orm
 */
export { AsyncCacheMikroOrmModule } from './async-cache-mikro-orm.module.js';
export { CachedRepository } from './cached-repository.js';
export { EntityCountJob } from './entity-count-job.js';
export { EntityFilterJob, type FilterOptions } from './entity-filter-job.js';
export { EntityGetJob, type GetOptions, type Where } from './entity-get-job.js';
export { getCachedRepositoryToken, InjectCachedRepository } from './inject-cached-repository.js';
export type { EntityReference } from './mikro-orm.js';
export type { EntityJobOptions } from '../orm/orm.js';
