import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { DoubtfulWrites } from './doubtful-writes.js';
import type { EntityModel } from './entity-model.js';
import { tagsOfCascades, tagsOfWrite } from './entity-tags.js';
import { InvalidationAfterCommit } from './invalidation-after-commit.js';
import { OpenTransactions } from './open-transactions.js';
import { TagNames } from './tag-names.js';

/** What an ORM tells of the transactions and writes of one database, for one application. */
export class WriteWatch<Transaction extends object> {
  readonly transactions: OpenTransactions<Transaction>;
  protected readonly writes: InvalidationAfterCommit<Transaction>;
  readonly #exempt = new Set<EntityModel>();

  /**
   * @param writer names the ORM and the data source in reports.
   * @param models all entities of the database.
   * @param isOpen false for a transaction whose connection is gone.
   */
  constructor(
    runtime: AsyncCacheRuntime,
    writer: string,
    private readonly models: () => Iterable<EntityModel>,
    isOpen: (transaction: Transaction) => boolean,
  ) {
    this.transactions = new OpenTransactions(isOpen);
    this.writes = new InvalidationAfterCommit(runtime, DoubtfulWrites.of(runtime), writer);
  }

  /** Its writes invalidate nothing. */
  exempt(model: EntityModel): void {
    this.#exempt.add(model);
  }

  /** What a write makes stale: of a row, or of unknown rows. Nothing for an entity that is exempt. */
  protected tagsOf(model: EntityModel, row?: object | null, removes = false): readonly string[] {
    if (this.#exempt.has(model)) return [];
    const id = row === undefined || row === null ? undefined : model.idOf(row);
    return [...tagsOfWrite(model, id), ...(removes ? tagsOfCascades(model, this.models()) : [])];
  }

  /** What rows that were not there before make stale: no entry can have one of them. */
  protected tagsOfNew(model: EntityModel): readonly string[] {
    return this.#exempt.has(model) ? [] : [new TagNames(model.tagName).anyRow];
  }
}
