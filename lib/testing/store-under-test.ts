import type { Store } from '../core/ports.js';

/** A store to test, empty, and the time it lives in. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Lets time pass for the store; where its time cannot be moved, waits. */
  readonly advance: (ms: number) => Promise<void>;
  readonly close: () => Promise<void>;
}
