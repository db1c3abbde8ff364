import type { ChangeFeed, Clock, Store } from '../core/ports.js';

export interface NearStoreOptions {
  /** The shared store. */
  readonly store: Store;
  /** Tells what changes in it. Undefined: it cannot, and a copy is trusted for `age`. */
  readonly feed: ChangeFeed | undefined;
  readonly clock: Clock;
  /** How many entries are kept in this process. */
  readonly max: number;
  /** How long a copy is used, in milliseconds, while nobody can say whether it is still right. */
  readonly age: number;
  /** Told of each failure of the shared store that a copy made up for. */
  readonly onFailure: (operation: string, key: string, error: unknown) => void;
  /** Told when the feed is live again, so that the shared store can be reached. */
  readonly onRestored?: (() => void) | undefined;
}
