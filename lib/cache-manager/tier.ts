/**
 * One of the cache's stores, at its barest. Every method rejects with a `StoreError` when the store failed, also where
 * the cache itself would keep silent about it.
 */
export interface Tier {
  /** Entries in this process only: nobody else can have changed them. */
  readonly local: boolean;
  /** Answers in the order of `names`. What is there and cannot be read is answered as the error that says so. */
  readMany(names: readonly string[]): Promise<readonly unknown[]>;
  writeMany(items: readonly TierItem[]): Promise<void>;
  removeMany(names: readonly string[]): Promise<void>;
  /** Frees the memory of what has one of the prefixes, where that can be done without looking at what is not ours. */
  sweep(prefixes: readonly string[]): void;
  close(disconnect: boolean): Promise<void>;
}

export interface TierItem {
  readonly name: string;
  readonly text: string;
  /** Milliseconds: whole, and at least 1, since stores take everything else for 'for ever', or for nothing to store. */
  readonly ttl: number;
}
