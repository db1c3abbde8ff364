import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { PerApplication } from '../orm/per-application.js';
import { WriteWatch } from '../orm/write-watch.js';
import { type DataModel, dataModelOf, type Database } from './drizzle-model.js';
import type { Transaction } from './transaction.js';

const watches = new PerApplication<object, DrizzleWatch>();

/** A statement that writes, as Drizzle describes it. */
export interface Mutation {
  readonly type: string;
  /** Names in the database, with the schema where it is not the default one. */
  readonly tables: readonly string[];
}

/** What a database tells of its transactions and writes, for one application. */
export class DrizzleWatch extends WriteWatch<Transaction> {
  private constructor(
    runtime: AsyncCacheRuntime,
    private readonly database: Database,
    private readonly dataModel: DataModel,
    dataSource: string,
  ) {
    super(
      runtime,
      `Drizzle (${dataSource})`,
      () => dataModel.values(),
      () => true,
    );
  }

  /** The watch of an application over a database. */
  static of(runtime: AsyncCacheRuntime, database: Database, dataSource: string): DrizzleWatch {
    const models = dataModelOf(database, dataSource);
    return watches.get(runtime, database, () => new DrizzleWatch(runtime, database, models, dataSource));
  }

  writing(connection: Transaction, mutation: Mutation): Promise<void> {
    return this.writes.writing(connection, this.#tagsOfMutation(mutation));
  }

  wrote(connection: Transaction, mutation: Mutation): Promise<void> {
    return this.writes.wrote(connection, this.#tagsOfMutation(mutation));
  }

  began(transaction: Transaction): void {
    this.writes.began(transaction);
  }

  committing(transaction: Transaction): Promise<void> {
    return this.writes.committing(transaction);
  }

  committed(transaction: Transaction): Promise<void> {
    return this.writes.committed(transaction);
  }

  rolledBack(transaction: Transaction): void {
    this.writes.rolledBack(transaction);
  }

  /** Drizzle says which table, and not which rows. */
  #tagsOfMutation({ type, tables }: Mutation): readonly string[] {
    return tables.flatMap((table) => {
      const name = this.database._.tableNamesMap[table.includes('.') ? table : `public.${table}`];
      const model = this.dataModel.get(name ?? '');
      return model === undefined ? [] : this.tagsOf(model, undefined, type === 'delete');
    });
  }
}
