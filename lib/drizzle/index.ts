/**
 * Cached reads of Drizzle's tables.
 *
 * @module nestjs-async-cache/drizzle
 */
export { AsyncCacheDrizzleModule, type CachedTableOptions } from './async-cache-drizzle.module.js';
export { CachedTable } from './cached-table.js';
export { EntityCountJob } from './entity-count-job.js';
export { EntityFilterJob } from './entity-filter-job.js';
export { EntityGetJob } from './entity-get-job.js';
export { EntityNotFoundError } from './entity-not-found-error.js';
export { getCachedTableToken, InjectCachedTable } from './inject-cached-table.js';
export type { EntityArgs, EntityValue, TableName } from './query-types.js';
export type { EntityJobOptions } from './drizzle.js';
