import type { CorruptEntryError } from '../core/errors.js';
import type { Clock, Codec } from '../core/ports.js';
import type { CacheLike } from './cache-tier.js';
import type { CacheStores } from './open-tiers.js';

/** What a `CacheManagerStore` is made of. */
export interface CacheManagerStoreOptions {
  /** Dates the entries, since such a store has no clock of its own. */
  readonly clock: Clock;
  /** Turns values into bytes and back. */
  readonly codec: Codec;
  /** Prepended to every key, so that applications with different prefixes can share a cache. */
  readonly prefix: string;
  /** An existing cache. It is not disconnected at `close`. */
  readonly cache?: CacheLike;
  /**
   * Stores to use when there is no `cache`, nearest first. They are disconnected at `close`. Default: a Map in this
   * process.
   */
  readonly stores?: CacheStores;
  /** Whether other processes see the same entries. Default: true unless the last store is a Map. */
  readonly shared?: boolean;
  /**
   * Called with each item that cannot be read; the item is removed and counts as absent. `key` is empty for an item
   * that does not belong to one key.
   */
  readonly onCorrupt?: (key: string, error: CorruptEntryError) => void;
}
