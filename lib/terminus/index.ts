/**
 * The health of the cache for `@nestjs/terminus`.
 *
 * @module nestjs-async-cache/terminus
 */
export { type AsyncCacheHealthThresholds, AsyncCacheHealthIndicator } from './async-cache-health.indicator.js';
export { AsyncCacheHealthModule } from './async-cache-health.module.js';
