import type {
  DataSource,
  EntityMetadata,
  EntitySubscriberInterface,
  InsertEvent,
  ObjectLiteral,
  QueryRunner,
  RecoverEvent,
  RemoveEvent,
  SoftRemoveEvent,
  TransactionCommitEvent,
  TransactionRollbackEvent,
  TransactionStartEvent,
  UpdateEvent,
} from 'typeorm';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { PerApplication } from '../orm/per-application.js';
import { WriteWatch } from '../orm/write-watch.js';
import { TypeOrmModel } from './typeorm-model.js';

interface Event {
  readonly queryRunner: QueryRunner;
  readonly metadata: EntityMetadata;
}

const watches = new PerApplication<DataSource, DataSourceWatch>();

/** What a data source tells of its transactions and writes. A subscriber of it, one for each application. */
export class DataSourceWatch extends WriteWatch<QueryRunner> implements EntitySubscriberInterface {
  private constructor(
    runtime: AsyncCacheRuntime,
    dataSource: DataSource,
    private readonly name: string,
  ) {
    super(
      runtime,
      `TypeORM (${name})`,
      () => dataSource.entityMetadatas.map((metadata) => TypeOrmModel.of(metadata, name)),
      (runner) => runner.isTransactionActive && !runner.isReleased,
    );
    dataSource.subscribers.push(this);
    const { manager } = dataSource;
    const transaction = manager.transaction.bind(manager) as (...args: unknown[]) => Promise<unknown>;
    manager.transaction = (...args: unknown[]) => this.transactions.scope(() => transaction(...args));
  }

  /** The watch of an application over a data source, which begins with the first call. */
  static of(runtime: AsyncCacheRuntime, dataSource: DataSource, name: string): DataSourceWatch {
    return watches.get(runtime, dataSource, () => new DataSourceWatch(runtime, dataSource, name));
  }

  /** Called in the synchronous part of `startTransaction`. */
  beforeTransactionStart({ queryRunner }: TransactionStartEvent): void {
    this.transactions.starting(queryRunner);
  }

  afterTransactionStart({ queryRunner }: TransactionStartEvent): void {
    this.transactions.started(queryRunner);
    this.writes.began(queryRunner);
  }

  beforeTransactionCommit({ queryRunner }: TransactionCommitEvent): Promise<void> {
    return this.writes.committing(queryRunner);
  }

  /** Also called when a savepoint is released: the transaction is still active then. */
  afterTransactionCommit({ queryRunner }: TransactionCommitEvent): Promise<void> {
    if (!queryRunner.isTransactionActive) this.transactions.ended(queryRunner);
    return this.writes.committed(queryRunner);
  }

  afterTransactionRollback({ queryRunner }: TransactionRollbackEvent): void {
    if (!queryRunner.isTransactionActive) this.transactions.ended(queryRunner);
    this.writes.rolledBack(queryRunner);
  }

  beforeInsert(event: InsertEvent<unknown>): Promise<void> {
    return this.#writing(event, false);
  }

  beforeUpdate(event: UpdateEvent<unknown>): Promise<void> {
    return this.#writing(event, false);
  }

  beforeRemove(event: RemoveEvent<unknown>): Promise<void> {
    return this.#writing(event, true);
  }

  beforeSoftRemove(event: SoftRemoveEvent<unknown>): Promise<void> {
    return this.#writing(event, false);
  }

  beforeRecover(event: RecoverEvent<unknown>): Promise<void> {
    return this.#writing(event, false);
  }

  /** Inserts of a query builder have no id: an upsert would report that of a row which does not exist. */
  afterInsert(event: InsertEvent<ObjectLiteral>): Promise<void> {
    return this.#wrote(event, event.entityId === undefined ? undefined : event.entity);
  }

  /** Updates by criteria have the new values in the place of an entity. Only an entity that was saved was read before. */
  afterUpdate(event: UpdateEvent<ObjectLiteral>): Promise<void> {
    return this.#wrote(event, event.databaseEntity);
  }

  afterRemove(event: RemoveEvent<ObjectLiteral>): Promise<void> {
    return this.#wrote(event, event.databaseEntity, true);
  }

  afterSoftRemove(event: SoftRemoveEvent<ObjectLiteral>): Promise<void> {
    return this.#wrote(event, event.databaseEntity);
  }

  afterRecover(event: RecoverEvent<ObjectLiteral>): Promise<void> {
    return this.#wrote(event, event.databaseEntity);
  }

  #writing({ queryRunner, metadata }: Event, removes: boolean): Promise<void> {
    return this.writes.writing(queryRunner, this.#tagsOf(metadata, undefined, removes));
  }

  #wrote({ queryRunner, metadata }: Event, row: ObjectLiteral | undefined, removes = false): Promise<void> {
    return this.writes.wrote(queryRunner, this.#tagsOf(metadata, row, removes));
  }

  #tagsOf(metadata: EntityMetadata, row: ObjectLiteral | undefined, removes: boolean): readonly string[] {
    return this.tagsOf(TypeOrmModel.of(metadata, this.name), row, removes);
  }
}
