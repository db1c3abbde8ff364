import type { Arguments } from '../core/policy/policy.js';
import type { ValueTypeOption } from '../core/value/value-types.js';

/** The reads that can be cached of an entity. */
export type ReadKind = 'get' | 'filter' | 'count';

/** What an adapter tells about one entity of one database. `Transaction` is whatever the ORM has for one. */
export interface EntitySource<Transaction extends object = object> {
  /** Classes whose instances the rows consist of. */
  readonly types: readonly ValueTypeOption[];
  /**
   * Find options as plain data that says what they mean, so that they make a key and travel to a worker. Throws an
   * `UnkeyableArgumentError`. Plain data of an earlier call stays as it is.
   */
  prepare(job: string, kind: ReadKind, args: Arguments): Arguments;
  /** Asks the database, inside of a transaction if one is given. Rejects with the ORM's own errors. */
  read(kind: ReadKind, args: Arguments, transaction?: Transaction): Promise<unknown>;
  /** Whether an error says that there is no such row. */
  isNotFound(error: unknown): boolean;
  /** The tags of what was read, by prepared arguments. */
  tagsOf(kind: ReadKind, args: Arguments, value: unknown): readonly string[];
  /** The tags that a write of the row with this id makes stale; without an id those of the whole entity. */
  tagsOfWrite(id?: unknown): readonly string[];
  /** The transaction in which the caller is. Costs one comparison while none is open. */
  openTransaction(): Transaction | undefined;
}
