import { DatabaseWatch, type Write } from '../orm/database-watch.js';
import { OpenTransactions } from '../orm/open-transactions.js';
import { runTransaction, type TransactionEvents } from '../orm/transaction-events.js';
import type { DataModel } from './prisma-model.js';
import type { Transaction } from './transaction.js';
import { isWrite, writesOf } from './writes-of.js';

/** A call of an operation, as query extensions get it. */
export interface Operation {
  readonly model?: string;
  readonly operation: string;
  readonly args: unknown;
  readonly query: (args: unknown) => Promise<unknown>;
  /** Not in Prisma's types. Its own extension for read replicas reads it as well. */
  readonly __internalParams?: { readonly transaction?: { readonly kind: string; readonly id: unknown } };
}

/** Prisma's code for a transaction that it has rolled back, because it took too long. */
const CLOSED = 'P2028';

type StartTransaction = (this: object, input: unknown, options?: unknown) => Promise<unknown>;

/** A watch, with the models in its tags: they depend on the name of the data source. */
interface Watching {
  readonly watch: DatabaseWatch<Transaction>;
  readonly models: DataModel;
}

/** Between a client and the watches of those who read through it, by the names that they have for it. */
export class ClientLink implements TransactionEvents<Transaction> {
  readonly #transactions = new OpenTransactions<Transaction>(() => true);
  readonly #watching = new Map<string, Watching>();
  /** By what Prisma calls them, since the first write in each. */
  readonly #byId = new Map<unknown, Transaction>();
  readonly #byClient = new WeakMap<object, Transaction>();

  /** The watch for a data source of this name. */
  watch(dataSource: string, models: DataModel): DatabaseWatch<Transaction> {
    const { watch } = this.#watching.get(dataSource) ?? {
      watch: new DatabaseWatch(`Prisma (${dataSource})`, () => models.values(), this.#transactions),
    };
    this.#watching.set(dataSource, { watch, models });
    return watch;
  }

  /** Runs an operation, and tells of what it wrote. */
  operate({ model, operation, args, query, __internalParams: internal }: Operation): Promise<unknown> {
    if (model === undefined || this.#watching.size === 0 || !isWrite(operation)) return query(args);
    const { kind, id } = internal?.transaction ?? {};
    const { afterCommit } = (kind === 'batch' ? this.#transactions.current() : undefined) ?? {};
    const connection = (kind === 'itx' ? this.#transactionOf(id) : undefined) ?? {};
    const written = ({ models }: Watching, result?: unknown): Write[] => {
      const written = models.get(model);
      return written === undefined ? [] : writesOf(models, written, operation, args, result);
    };
    return (async () => {
      await this.#each((each) => each.watch.writing(connection, written(each)));
      const result = await query(args);
      const done = (): Promise<void> => this.#each((each) => each.watch.wrote(connection, written(each, result)));
      if (afterCommit === undefined) await done();
      else afterCommit.push(done);
      return result;
    })();
  }

  /** `$transaction` of a client, or of a client inside of a transaction. `start` is Prisma's own. */
  async transact(client: object, start: StartTransaction, input: unknown, options: unknown): Promise<unknown> {
    if (typeof input !== 'function') return this.#transactList(() => Reflect.apply(start, client, [input, options]));
    const outer = this.#byClient.get(client);
    const enter = (inner: object): Transaction => {
      const transaction = outer ?? { client: inner };
      this.#byClient.set(inner, transaction);
      return transaction;
    };
    return runTransaction(
      this.#transactions,
      this,
      outer !== undefined,
      enter,
      (work) => Reflect.apply(start, client, [work, options]),
      (inner) => Reflect.apply(input, undefined, [inner]) as unknown,
    );
  }

  began(transaction: Transaction): void {
    for (const { watch } of this.#watching.values()) watch.began(transaction);
  }

  committing(transaction: Transaction): Promise<void> {
    return this.#each(({ watch }) => watch.committing(transaction));
  }

  committed(transaction: Transaction): Promise<void> {
    this.#forget(transaction);
    return this.#each(({ watch }) => watch.committed(transaction));
  }

  rolledBack(transaction: Transaction): void {
    this.#forget(transaction);
    for (const { watch } of this.#watching.values()) watch.rolledBack(transaction);
  }

  async uncertain(transaction: Transaction, error: unknown): Promise<void> {
    if ((error as { code?: unknown } | undefined)?.code === CLOSED) {
      this.rolledBack(transaction);
      return;
    }
    this.#forget(transaction);
    await this.#each(({ watch }) => watch.uncertain(transaction));
  }

  async #transactList(start: () => Promise<unknown>): Promise<unknown> {
    const afterCommit: (() => Promise<void>)[] = [];
    const transaction: Transaction = { afterCommit };
    try {
      return await this.#transactions.scope(async () => {
        this.#transactions.starting(transaction);
        this.#transactions.started(transaction);
        const result = await start();
        for (const done of afterCommit) await done();
        return result;
      });
    } finally {
      this.#transactions.ended(transaction);
    }
  }

  /** After the end of a savepoint its transaction goes on. */
  #forget(transaction: Transaction): void {
    if (this.#transactions.has(transaction)) return;
    for (const [id, each] of this.#byId) if (each === transaction) this.#byId.delete(id);
  }

  #transactionOf(id: unknown): Transaction | undefined {
    const transaction = this.#byId.get(id) ?? this.#transactions.current();
    if (transaction !== undefined) this.#byId.set(id, transaction);
    return transaction;
  }

  async #each(tell: (each: Watching) => Promise<void>): Promise<void> {
    for (const each of this.#watching.values()) await tell(each);
  }
}

/** The name under which a client carries its link. Clients that extend it further keep it. */
export const LINK = '$asyncCacheLink';

/** The link of a client that `reportWrites` has extended. */
export function linkOf(client: object): ClientLink | undefined {
  return (client as { readonly [LINK]?: ClientLink })[LINK];
}
