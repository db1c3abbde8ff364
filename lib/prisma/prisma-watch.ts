import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { PerApplication } from '../orm/per-application.js';
import { WriteWatch } from '../orm/write-watch.js';
import { dataModelOf } from './data-model.js';
import type { DataModel } from './prisma-model.js';
import type { Transaction } from './transaction.js';
import { type Write, writesOf } from './writes-of.js';

const watches = new PerApplication<object, PrismaWatch>();

/** What a client tells of its transactions and writes, for one application. */
export class PrismaWatch extends WriteWatch<Transaction> {
  private constructor(
    runtime: AsyncCacheRuntime,
    private readonly dataModel: DataModel,
    dataSource: string,
  ) {
    super(
      runtime,
      `Prisma (${dataSource})`,
      () => dataModel.values(),
      () => true,
    );
  }

  /** The watch of an application over a client. */
  static of(runtime: AsyncCacheRuntime, client: object, link: object, dataSource: string): PrismaWatch {
    return watches.get(runtime, link, () => new PrismaWatch(runtime, dataModelOf(client, dataSource), dataSource));
  }

  /** Before an operation, and after it with its result. Outside of a transaction it is committed by then. */
  async operation(
    connection: Transaction,
    model: string,
    operation: string,
    args: unknown,
    done?: { result: unknown },
  ) {
    const written = this.dataModel.get(model);
    if (written === undefined) return;
    const writes = writesOf(this.dataModel, written, operation, args, done?.result);
    const tags = [...new Set(writes.flatMap((write) => this.#tagsOfWrite(write)))];
    await (done === undefined ? this.writes.writing(connection, tags) : this.writes.wrote(connection, tags));
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

  #tagsOfWrite({ model, rows, removes }: Write): readonly string[] {
    if (rows === 'new') return this.tagsOfNew(model);
    return this.tagsOf(model, rows === 'unknown' ? undefined : rows.row, removes);
  }
}
