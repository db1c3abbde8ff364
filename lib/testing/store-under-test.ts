import type { Store } from '../core/ports.js';

/** An empty store to test, and its time. */
export interface StoreUnderTest {
  /** The store. */
  readonly store: Store;
  /** Lets time pass for the store. Waits where the store's time cannot be moved. */
  readonly advance: (ms: number) => Promise<void>;
  /** Called after each test. */
  readonly close: () => Promise<void>;
}
