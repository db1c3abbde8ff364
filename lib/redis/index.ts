/**
 * The store on Redis. `AsyncCacheModule` sets it up where there is a `connection`.
 *
 * @module nestjs-async-cache/redis
 */
export { connectRedis, type RedisConnection } from './redis-connection.js';
export { RedisStore, type RedisStoreOptions } from './redis-store.js';
