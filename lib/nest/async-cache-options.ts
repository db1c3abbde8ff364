import type { Duration } from '../core/policy/duration.js';
import type { JobOptions } from '../core/policy/job-options.js';
import type { ByteSize } from '../core/policy/byte-size.js';
import type { Codec } from '../core/ports.js';
import type { ValueTypeOption } from '../core/value/value-types.js';

export const DEFAULT_PREFIX = 'async-cache';

/** Options of `AsyncCacheModule.forRoot`. All are optional: without any, everything runs inside the process. */
export interface AsyncCacheOptions<Captured = unknown> {
  /**
   * Redis, for the refresh queue and, unless `store` says otherwise, for the entries: host and port, or an ioredis
   * instance, as BullMQ takes it. *Default:* none, refreshes run in this process and entries live in its memory.
   */
  connection?: RedisConnection;
  /**
   * Where entries live, if not where `connection`, `stores` or `cache` say. For example a Redis of their own, since a
   * queue needs `noeviction` and a cache may want to evict; or the memory of this process.
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
  /**
   * The name of the application, the same in all its processes. A worker of another one under the same prefix is reported
   * at start-up. *Default:* the name in the nearest package.json of the program that was started.
   */
  name?: string;
  /**
   * BullMQ's `telemetry`, such as `new BullMQOtel('my-app')` of the package bullmq-otel, for the spans of the queue itself.
   * *Default:* none.
   */
  telemetry?: object;
  /** How refreshes run in this process. False: it only requests them. *Default:* `{ concurrency: 10 }`. */
  worker?: false | WorkerOptions;
  /**
   * How many requests for refreshes may wait, in Redis or in this process. Further ones are dropped, which is reported
   * once: their readers keep their stale values. In Redis a request with large arguments counts once for each 8 KB of them.
   * *Default:* 10,000.
   */
  maxWaiting?: number;
  /**
   * Copies of a Redis store's entries in this process. They are read without a round trip and kept up to date by
   * Redis's reports of changes. False: none. *Default:* `{ max: 10_000, maxBytes: '64MB', age: '30s' }` with Redis, none with
   * cache-manager.
   */
  near?: false | NearOptions;
  /** False: every read is a fetch. *Default:* true. */
  enabled?: boolean;
  /** Deadline of one operation of a remote store. *Default:* `'500ms'`. */
  storeTimeout?: Duration;
  /** Options of every job that does not set its own. */
  defaults?: Omit<JobOptions, 'name' | 'key' | 'prepareArgs'>;
  /**
   * Turns values into bytes for a remote store. One of your own receives instances of `types` as they are. *Default:*
   * MessagePack that keeps Date, Map, Set, BigInt, Buffer, Error, cycles and the instances of `types`.
   */
  serializer?: Codec;
  /**
   * Classes whose instances survive, in the values and arguments of every job: entities, DTOs, Decimal. The name of the
   * class is stored. *Default:* none, instances become plain objects and the first of each job is reported.
   */
  types?: readonly ValueTypeOption[];
  /**
   * What values depend on beside their arguments: a tenant, a language. It is part of every key, and a background refresh
   * runs in it. A job with `context: false` is the same everywhere. *Default:* none.
   */
  context?: ContextOptions<Captured>;
  /**
   * Compresses large values in Redis or cache-manager: `{ above: '10KB' }`, with zstd where the Node in use has it, else with
   * deflate. Compressed entries are read whether or not this is set; a release without it takes them as misses. *Default:* off.
   */
  compress?: CompressOptions;
}

/** See `AsyncCacheOptions.compress`. */
export interface CompressOptions {
  /** Values whose bytes are more are compressed. */
  above: ByteSize;
}

/** What values depend on beside their arguments. */
export interface ContextOptions<Captured = unknown> {
  /** Returns a plain value, or undefined for none. Called at each call of a job; an error of it rejects the call. */
  capture(): Captured;
  /** Calls `fetch` in the context in which `capture` would return `captured`, and returns its result. */
  run(captured: Captured, fetch: () => Promise<unknown>): unknown;
}

/** How refreshes run in this process. */
export interface WorkerOptions {
  /** Refreshes at a time in this process. *Default:* 10. */
  concurrency?: number;
  /** At most `max` refreshes per `duration` milliseconds over all workers, as BullMQ's limiter. *Default:* none. */
  limiter?: { max: number; duration: number };
}

/** Bounds of the copies in this process. */
export interface NearOptions {
  /** How many entries. *Default:* 10,000. */
  max?: number;
  /** Bytes of memory that they may take, as far as they can be estimated. *Default:* `'64MB'`. */
  maxBytes?: ByteSize;
  /**
   * How long a copy is used while nothing confirms that it is still right: while Redis is unreachable, and with a store
   * that cannot report changes. *Default:* `'30s'`.
   */
  age?: Duration;
}

/** Where entries live. Give one of these; `max` and `maxBytes` go together. */
export interface StoreOptions {
  /** A Redis. */
  connection?: RedisConnection;
  /** Keyv stores for cache-manager. */
  stores?: KeyvStores;
  /** An existing cache-manager `Cache`. */
  cache?: CacheManagerCache;
  /** The memory of this process, with at most this many entries. *Default:* 10,000. */
  max?: number;
  /**
   * Bytes that the entries in the memory of this process may take, as far as they can be estimated; a value that is larger
   * alone is not kept. *Default:* `'64MB'`.
   */
  maxBytes?: ByteSize;
}

// The packages behind these types are optional, so the types describe only the members that are used.

/** Connection options of ioredis, or an ioredis or Cluster instance. An instance is not closed by this package. */
export type RedisConnection = object;

/** A Keyv, or an adapter for one. */
export interface KeyvStore {
  /** Keyv's own. */
  get(key: string, ...rest: never[]): unknown;
  /** Keyv's own. */
  set(key: string, value: never, ...rest: never[]): unknown;
}

/** One Keyv store, or several, the nearest first. */
export type KeyvStores = KeyvStore | readonly KeyvStore[];

/** cache-manager's `Cache`. */
export interface CacheManagerCache {
  /** cache-manager's own. */
  get(key: string): Promise<unknown>;
  /** cache-manager's own; `ttl` in milliseconds. */
  set(key: string, value: never, ttl?: number): Promise<unknown>;
  /** cache-manager's own. */
  del(key: string): Promise<boolean>;
}
