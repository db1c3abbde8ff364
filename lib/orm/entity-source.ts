import type { Arguments } from '../core/policy/policy.js';
import type { ValueTypeOption } from '../core/value/value-types.js';
import type { EntityModel } from './entity-model.js';

/** The reads that can be cached of an entity. */
export type ReadKind = 'get' | 'filter' | 'count';

/** What an adapter tells about one entity of one database. `Transaction` is whatever the ORM has for one. */
export interface EntitySource<Transaction extends object = object> {
  readonly model: EntityModel;
  /** Classes whose instances the stored rows consist of. */
  readonly types: readonly ValueTypeOption[];
  /**
   * Find options as plain data that says what they mean, so that they make a key and travel to a worker. Throws an
   * `UnkeyableArgumentError`. Plain data of an earlier call stays as it is.
   */
  prepare(job: string, kind: ReadKind, args: Arguments): Arguments;
  /** The equal values in the conditions of prepared arguments, by member. *Default:* the first argument. */
  equalities?(args: Arguments): unknown;
  /** Other entities on whose rows it depends which rows match, by prepared arguments. */
  reached(args: Arguments): Iterable<EntityModel>;
  /** Asks the database, inside of a transaction if one is given. Rejects with the ORM's own errors. */
  read(kind: ReadKind, args: Arguments, transaction?: Transaction): Promise<unknown>;
  /** Whether an error says that there is no such row. */
  isNotFound(error: unknown): boolean;
  /** A row with an id that was given by hand, where ids have a form of their own. */
  rowOfId?(id: unknown): unknown;
  /** The row of a `get` with its id, where the arguments say it and the row may not have it. *Default:* the row. */
  identified?(args: Arguments, row: unknown): unknown;
  /** The transaction in which the caller is, for an ORM that knows it. *Default:* what the watch of the database knows. */
  openTransaction?(): Transaction | undefined;
  /** For rows that can be stored only in another form. */
  readonly form?: StoredForm | undefined;
}

export interface StoredForm {
  /** What is stored in the place of rows. Other values are returned as they are. */
  toStored(value: unknown): unknown;
  /**
   * Rows again, which may share parts with the stored form and leave it as it is. `readOnly`: readers share the rows, so
   * they must be frozen, and the same ones for the same stored form.
   */
  fromStored(stored: unknown, readOnly: boolean): unknown;
}
