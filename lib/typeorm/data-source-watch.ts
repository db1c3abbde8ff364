import type { DataSource, EntityMetadata, ObjectLiteral, QueryRunner } from 'typeorm';
import { DatabaseWatch } from '../orm/database-watch.js';
import { OpenTransactions } from '../orm/open-transactions.js';
import { TypeOrmModel } from './typeorm-model.js';

/** What TypeORM tells of a write. */
interface Event {
  readonly queryRunner: QueryRunner;
  readonly metadata: EntityMetadata;
  readonly entity?: ObjectLiteral | undefined;
  readonly entityId?: unknown;
  /** The row as it was read before. Updates by criteria have the new values in `entity`, and no such row. */
  readonly databaseEntity?: ObjectLiteral;
}

type OfTransaction = Pick<Event, 'queryRunner'>;

/** Watches a data source by a subscriber. @param name the name of the data source. */
export function watchDataSource(dataSource: DataSource, name: string): DatabaseWatch<QueryRunner> {
  const transactions = new OpenTransactions<QueryRunner>((runner) => runner.isTransactionActive && !runner.isReleased);
  const modelOf = (metadata: EntityMetadata): TypeOrmModel => TypeOrmModel.of(metadata, name);
  const models = (): TypeOrmModel[] => dataSource.entityMetadatas.map(modelOf);
  const watch = new DatabaseWatch<QueryRunner>(`TypeORM (${name})`, models, transactions);

  const writing =
    (removes = false) =>
    ({ queryRunner, metadata }: Event): Promise<void> =>
      watch.writing(queryRunner, [{ model: modelOf(metadata), removes }]);
  const wrote =
    (removes = false, rowOf = ({ databaseEntity }: Event) => databaseEntity) =>
    (event: Event): Promise<void> =>
      watch.wrote(event.queryRunner, [{ model: modelOf(event.metadata), row: rowOf(event), removes }]);
  /** Also called when a savepoint ends: the transaction is still active then. */
  const ended = (queryRunner: QueryRunner): void => {
    if (!queryRunner.isTransactionActive) transactions.ended(queryRunner);
  };

  dataSource.subscribers.push({
    /** Called in the synchronous part of `startTransaction`. */
    beforeTransactionStart: ({ queryRunner }: OfTransaction) => {
      transactions.starting(queryRunner);
    },
    afterTransactionStart: ({ queryRunner }: OfTransaction) => {
      transactions.started(queryRunner);
      watch.began(queryRunner);
    },
    beforeTransactionCommit: ({ queryRunner }: OfTransaction) => watch.committing(queryRunner),
    afterTransactionCommit: ({ queryRunner }: OfTransaction) => {
      ended(queryRunner);
      return watch.committed(queryRunner);
    },
    afterTransactionRollback: ({ queryRunner }: OfTransaction) => {
      ended(queryRunner);
      watch.rolledBack(queryRunner);
    },
    beforeInsert: writing(),
    beforeUpdate: writing(),
    beforeRemove: writing(true),
    beforeSoftRemove: writing(),
    beforeRecover: writing(),
    // Inserts of a query builder have no id: an upsert would report that of a row which does not exist.
    afterInsert: wrote(false, ({ entityId, entity }) => (entityId === undefined ? undefined : entity)),
    afterUpdate: wrote(),
    afterRemove: wrote(true),
    afterSoftRemove: wrote(),
    afterRecover: wrote(),
  });
  // TypeORM tells of a commit that succeeded, and of a rollback, and of a commit that failed it tells nothing.
  const create = dataSource.createQueryRunner.bind(dataSource);
  dataSource.createQueryRunner = (mode) => {
    const runner = create(mode);
    const commit = runner.commitTransaction.bind(runner);
    runner.commitTransaction = async () => {
      try {
        await commit();
      } catch (error) {
        await watch.uncertain(runner);
        throw error;
      }
    };
    return runner;
  };
  const { manager } = dataSource;
  const transaction = manager.transaction.bind(manager) as (...args: unknown[]) => Promise<unknown>;
  manager.transaction = (...args: unknown[]) => transactions.scope(() => transaction(...args)) as Promise<never>;
  return watch;
}
