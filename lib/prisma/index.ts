/**
 * Cached reads of Prisma's models.
 *
 * @module nestjs-async-cache/prisma
 */
export { AsyncCachePrismaModule, type CachedDelegateOptions } from './async-cache-prisma.module.js';
export { CachedDelegate } from './cached-delegate.js';
export type { EntityArgs, EntityValue, ExactArgs, ModelName, RowReads, RowsReads } from './delegate.js';
export { EntityCountJob } from './entity-count-job.js';
export { EntityFilterJob } from './entity-filter-job.js';
export { EntityGetJob } from './entity-get-job.js';
export { getCachedDelegateToken, InjectCachedDelegate } from './inject-cached-delegate.js';
export type { EntityJobOptions } from './prisma.js';
export { reportWrites } from './report-writes.js';
