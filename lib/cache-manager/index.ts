export { CacheManagerStore, type CacheManagerStoreOptions } from './cache-manager-store.js';
export type { CacheLike } from './cache-tier.js';
export type { CacheCheck } from './check-tiers.js';
export type { KeyvLike } from './keyv-like.js';
export type { CacheStores } from './tiers-of.js';
