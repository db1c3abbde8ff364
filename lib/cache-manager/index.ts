/**
 * The store over stores of cache-manager and Keyv. `AsyncCacheModule` sets it up from `stores` or `cache`.
 *
 * @module nestjs-async-cache/cache-manager
 */
export { CacheManagerStore } from './cache-manager-store.js';
export type { CacheManagerStoreOptions } from './cache-manager-store-options.js';
export type { CacheLike } from './cache-tier.js';
export type { CacheCheck } from './check-tiers.js';
export type { KeyvLike } from './keyv-tier.js';
export type { CacheStores } from './open-tiers.js';
