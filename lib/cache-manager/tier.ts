/**
 * One of the cache's stores. Every method rejects with a `StoreError` when the store failed, even where the cache
 * itself would hide the failure.
 */
export interface Tier {
  /** True when the entries are in this process only, so no other process can have changed them. */
  readonly local: boolean;
  /** Answers in the order of `names`. An item that exists and cannot be read is answered as the error that says why. */
  readMany(names: readonly string[]): Promise<readonly unknown[]>;
  writeMany(items: readonly TierItem[]): Promise<void>;
  removeMany(names: readonly string[]): Promise<void>;
  /**
   * Removes the items whose names have one of the prefixes, where the store can list names without touching items of
   * others.
   */
  sweep(prefixes: readonly string[]): void;
  close(disconnect: boolean): Promise<void>;
}

/** Nearest first; never empty. All processes share the last one. */
export type Tiers = readonly [...upper: Tier[], last: Tier];

export interface TierItem {
  readonly name: string;
  readonly text: string;
  /** Whole milliseconds, at least 1. Stores take other numbers for "for ever", or store nothing. */
  readonly ttl: number;
}
