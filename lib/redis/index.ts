export { connectRedis, type RedisConnection } from './redis-connection.js';
export { RedisStore, type RedisStoreOptions } from './redis-store.js';
