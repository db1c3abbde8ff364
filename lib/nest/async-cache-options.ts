import type { Duration } from '../core/duration.js';
import type { JobOptions } from '../core/job-options.js';
import type { Codec } from '../core/ports.js';

export const DEFAULT_PREFIX = 'async-cache';

/** Options of `AsyncCacheModule.forRoot`. All are optional: without any, everything runs inside the process. */
export interface AsyncCacheOptions {
  /**
   * Redis, for the refresh queue and, unless `store` says otherwise, for the entries: host and port, or an ioredis
   * instance, as BullMQ takes it. *Default:* none, refreshes run in this process and entries live in its memory.
   */
  connection?: RedisConnection;
  /**
   * Where entries live, if not where `connection`, `stores` or `cache` say: a Redis of their own, since a queue wants
   * `noeviction` and a cache may want to evict; or the memory of this process.
   */
  store?: StoreOptions;
  /**
   * Keyv stores for cache-manager, as in `@nestjs/cache-manager`; or further stores by name, for jobs that say
   * `store: 'name'`.
   */
  stores?: KeyvStores | Record<string, StoreOptions>;
  /** An existing cache-manager `Cache`, such as the injected `CACHE_MANAGER`. */
  cache?: CacheManagerCache;
  /** Isolates applications that share a Redis. *Default:* `'async-cache'`. */
  prefix?: string;
  /** How refreshes run in this process; false: it only asks for them. *Default:* `{ concurrency: 10 }`. */
  worker?: false | WorkerOptions;
  /**
   * Copies of a Redis store's entries in this process: read without a round trip, and kept right by what Redis tells of
   * changes. False: none. *Default:* `{ max: 10_000, age: '30s' }` with Redis, none with cache-manager.
   */
  near?: false | NearOptions;
  /** False: every read is a fetch. *Default:* true. */
  enabled?: boolean;
  /** Deadline of one operation of a remote store. *Default:* `'500ms'`. */
  storeTimeout?: Duration;
  /** Options of every job that does not set its own. */
  defaults?: Omit<JobOptions, 'name' | 'key' | 'prepareArgs'>;
  /** Bytes of values in a remote store. *Default:* MessagePack that keeps Date, Map, Set, BigInt, Buffer, Error and cycles. */
  serializer?: Codec;
}

export interface WorkerOptions {
  /** Refreshes at a time in this process. *Default:* 10. */
  concurrency?: number;
  /** At most `max` refreshes per `duration` milliseconds over all workers, as BullMQ's limiter. *Default:* none. */
  limiter?: { max: number; duration: number };
}

export interface NearOptions {
  /** How many entries. *Default:* 10,000. */
  max?: number;
  /**
   * How long a copy is used while nobody can say whether it is still right: while Redis is away, and with a store that
   * cannot tell of changes. *Default:* `'30s'`.
   */
  age?: Duration;
}

/** Where entries live: one of these. */
export interface StoreOptions {
  /** A Redis. */
  connection?: RedisConnection;
  /** Keyv stores for cache-manager. */
  stores?: KeyvStores;
  /** An existing cache-manager `Cache`. */
  cache?: CacheManagerCache;
  /** The memory of this process, bounded to so many entries. *Default:* 10,000. */
  max?: number;
}

// The packages behind these are optional, so their types are described here by what is used of them.

/** Connection options of ioredis, or an ioredis or Cluster instance. An instance is not closed by this package. */
export type RedisConnection = object;

/** A Keyv, or an adapter for one. */
export interface KeyvStore {
  get(key: string, ...rest: never[]): unknown;
  set(key: string, value: never, ...rest: never[]): unknown;
}

export type KeyvStores = KeyvStore | readonly KeyvStore[];

/** cache-manager's `Cache`. */
export interface CacheManagerCache {
  get(key: string): Promise<unknown>;
  set(key: string, value: never, ttl?: number): Promise<unknown>;
  del(key: string): Promise<boolean>;
}
