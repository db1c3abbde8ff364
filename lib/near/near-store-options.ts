import type { ChangeFeed, Clock, Store } from '../core/ports.js';
import type { ValueTypes } from '../core/value/value-types.js';

/** What a `NearStore` is made of. */
export interface NearStoreOptions {
  /** The shared store. */
  readonly store: Store;
  /**
   * Reports changes in the shared store. Undefined when the store cannot report them: a copy is then trusted for `age`.
   */
  readonly feed: ChangeFeed | undefined;
  /** Times how long copies are used. */
  readonly clock: Clock;
  /** How many entries are kept in this process. */
  readonly max: number;
  /** Bytes that they may take together, as far as they can be estimated. *Default:* 64 MB. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds for which a copy is used while nothing confirms that it is still right. */
  readonly age: number;
  /** Classes whose instances readers may share once their members are frozen. *Default:* none. */
  readonly valueTypes?: ValueTypes | undefined;
  /** Called with each failure of the shared store that a copy made up for. */
  readonly onFailure: (operation: string, key: string, error: unknown) => void;
  /** Called when the feed is live again, which means that the shared store can be reached. */
  readonly onRestored?: (() => void) | undefined;
}
