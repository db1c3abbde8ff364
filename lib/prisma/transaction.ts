/** An open transaction. */
export interface Transaction {
  /** The client inside of it; undefined for a list of operations, and for an operation that is by itself. */
  readonly client?: object;
  /** Of a list of operations: what is to be told after the commit. Operations resolve also when another one has failed. */
  readonly afterCommit?: (() => Promise<void>)[];
}
