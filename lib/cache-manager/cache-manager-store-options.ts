import type { CorruptEntryError } from '../core/errors.js';
import type { Clock, Codec } from '../core/ports.js';
import type { CacheLike } from './cache-tier.js';
import type { CacheStores } from './tiers-of.js';

export interface CacheManagerStoreOptions {
  readonly clock: Clock;
  readonly codec: Codec;
  /** Comes before every key: applications with different prefixes can share a cache. */
  readonly prefix: string;
  /** An existing cache. It is not disconnected at `close`. */
  readonly cache?: CacheLike;
  /** Stores to make one of; ignored where there is a `cache`. They are disconnected at `close`. Default: a Map in this process. */
  readonly stores?: CacheStores;
  /** Other processes see the same entries. Default: unless the last store is a Map. */
  readonly shared?: boolean;
  /** Told of an item that cannot be read. It counts as absent and is removed. `key` is empty where it belongs to no one key. */
  readonly onCorrupt?: (key: string, error: CorruptEntryError) => void;
}
