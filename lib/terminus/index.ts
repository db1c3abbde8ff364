export { type AsyncCacheHealthThresholds, AsyncCacheHealthIndicator } from './async-cache-health.indicator.js';
export { AsyncCacheHealthModule } from './async-cache-health.module.js';
