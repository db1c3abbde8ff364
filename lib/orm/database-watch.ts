import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { DoubtfulWrites } from './doubtful-writes.js';
import type { EntityModel } from './entity-model.js';
import { tagsOfCascades, tagsOfWrite } from './entity-tags.js';
import { InvalidationAfterCommit } from './invalidation-after-commit.js';
import { OpenTransactions } from './open-transactions.js';
import { rowId } from './row-id.js';
import { TagNames } from './tag-names.js';
import type { TransactionEvents } from './transaction-events.js';

/** What a statement writes. */
export interface Write {
  readonly model: EntityModel;
  /** The row, or `'new'` for rows that were not there before. Undefined or null: unknown rows. */
  readonly row?: object | 'new' | null | undefined;
  /** It deletes rows, so the database may change those that refer to them. */
  readonly removes?: boolean;
}

interface Application<Transaction extends object> {
  readonly writes: InvalidationAfterCommit<Transaction>;
  /** Entities whose writes invalidate nothing. */
  readonly exempt: Set<EntityModel>;
}

/**
 * What an ORM tells of the transactions and writes of one database, and the applications that want to know. An adapter
 * makes one, and calls it from the hooks of its ORM.
 */
export class DatabaseWatch<Transaction extends object> implements TransactionEvents<Transaction> {
  readonly #applications = new Map<AsyncCacheRuntime, Application<Transaction>>();

  /**
   * @param writer names the ORM and the data source in reports.
   * @param models all entities of the database.
   */
  constructor(
    private readonly writer: string,
    private readonly models: () => Iterable<EntityModel>,
    readonly transactions = new OpenTransactions<Transaction>(() => true),
  ) {}

  /** An application reads this entity. @param invalidate false: writes of the entity invalidate nothing there. */
  serve(runtime: AsyncCacheRuntime, model: EntityModel, invalidate: boolean): void {
    const application = this.#applications.get(runtime) ?? {
      writes: new InvalidationAfterCommit<Transaction>(runtime, DoubtfulWrites.of(runtime), this.writer),
      exempt: new Set(),
    };
    this.#applications.set(runtime, application);
    if (!invalidate) application.exempt.add(model);
  }

  /** A statement is about to run. */
  writing(connection: Transaction, written: readonly Write[]): Promise<void> {
    return this.#each((application) => application.writes.writing(connection, this.#tagsOf(application, written)));
  }

  /** A statement ran; outside of a transaction it is committed. */
  wrote(connection: Transaction, written: readonly Write[]): Promise<void> {
    return this.#each((application) => application.writes.wrote(connection, this.#tagsOf(application, written)));
  }

  began(transaction: Transaction): void {
    for (const { writes } of this.#applications.values()) writes.began(transaction);
  }

  committing(transaction: Transaction): Promise<void> {
    return this.#each(({ writes }) => writes.committing(transaction));
  }

  committed(transaction: Transaction): Promise<void> {
    return this.#each(({ writes }) => writes.committed(transaction));
  }

  rolledBack(transaction: Transaction): void {
    for (const { writes } of this.#applications.values()) writes.rolledBack(transaction);
  }

  uncertain(transaction: Transaction): Promise<void> {
    return this.#each(({ writes }) => writes.uncertain(transaction));
  }

  /** Commits by the function of the ORM. Where that fails nobody knows whether it happened, so it counts as committed. */
  async commit(transaction: Transaction, commit: () => Promise<unknown>): Promise<void> {
    await this.committing(transaction);
    try {
      await commit();
    } catch (error) {
      await this.uncertain(transaction);
      throw error;
    }
    await this.committed(transaction);
  }

  #tagsOf({ exempt }: Application<Transaction>, written: readonly Write[]): readonly string[] {
    const tags = written.flatMap(({ model, row, removes }) => {
      if (exempt.has(model)) return [];
      // No entry can have a row that was not there before.
      if (row === 'new') return [new TagNames(model.tagName).anyRow];
      const id = row === undefined || row === null ? undefined : rowId(model, row);
      return [...tagsOfWrite(model, id), ...(removes === true ? tagsOfCascades(model, this.models()) : [])];
    });
    return [...new Set(tags)];
  }

  async #each(tell: (application: Application<Transaction>) => Promise<void>): Promise<void> {
    for (const application of this.#applications.values()) await tell(application);
  }
}
