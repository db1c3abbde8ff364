/** An open transaction. */
export interface Transaction {
  /** The database inside of it; undefined for a statement that is by itself. */
  readonly database?: object;
}
