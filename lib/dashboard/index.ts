/**
 * The page on which the cache of a running application is watched.
 *
 * @module nestjs-async-cache/dashboard
 */
export { type AsyncCacheDashboardAsyncOptions, AsyncCacheDashboardModule } from './async-cache-dashboard.module.js';
export type { AsyncCacheDashboardOptions, DashboardAccess, DashboardRequest } from './dashboard-options.js';
