export { type AsyncCacheDashboardAsyncOptions, AsyncCacheDashboardModule } from './async-cache-dashboard.module.js';
export type { AsyncCacheDashboardOptions, DashboardAccess, DashboardRequest } from './dashboard-options.js';
