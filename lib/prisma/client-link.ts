import { OpenTransactions } from '../orm/open-transactions.js';
import type { PrismaWatch } from './prisma-watch.js';
import type { Transaction } from './transaction.js';
import { isWrite } from './writes-of.js';

/** A call of an operation, as query extensions get it. */
export interface Operation {
  readonly model?: string;
  readonly operation: string;
  readonly args: unknown;
  readonly query: (args: unknown) => Promise<unknown>;
  /** Not in Prisma's types. Its own extension for read replicas reads it as well. */
  readonly __internalParams?: { readonly transaction?: { readonly kind: string; readonly id: unknown } };
}

type StartTransaction = (this: object, input: unknown, options?: unknown) => Promise<unknown>;

/** Between a client and the applications that want to know of its writes. */
export class ClientLink {
  readonly transactions = new OpenTransactions<Transaction>(() => true);
  readonly #watches = new Set<PrismaWatch>();
  /** By what Prisma calls them, since the first write in each. */
  readonly #byId = new Map<unknown, Transaction>();
  readonly #byClient = new WeakMap<object, Transaction>();

  tell(watch: PrismaWatch): void {
    this.#watches.add(watch);
  }

  /** Runs an operation, and tells of what it wrote. */
  operate({ model, operation, args, query, __internalParams: internal }: Operation): Promise<unknown> {
    if (model === undefined || this.#watches.size === 0 || !isWrite(operation)) return query(args);
    const { kind, id } = internal?.transaction ?? {};
    const { afterCommit } = (kind === 'batch' ? this.transactions.current() : undefined) ?? {};
    const connection = (kind === 'itx' ? this.#transactionOf(id) : undefined) ?? {};
    return (async () => {
      await this.#each((watch) => watch.operation(connection, model, operation, args));
      const result = await query(args);
      const done = (): Promise<void> =>
        this.#each((watch) => watch.operation(connection, model, operation, args, { result }));
      if (afterCommit === undefined) await done();
      else afterCommit.push(done);
      return result;
    })();
  }

  /** `$transaction` of a client, or of a client inside of a transaction. `start` is Prisma's own. */
  async transact(client: object, start: StartTransaction, input: unknown, options: unknown): Promise<unknown> {
    if (typeof input !== 'function') return this.#transactList(() => Reflect.apply(start, client, [input, options]));
    const outer = this.#byClient.get(client);
    let begun: Transaction | undefined;
    const inside = async (inner: object): Promise<unknown> => {
      const transaction = this.#begin(inner, outer);
      begun = transaction;
      const result: unknown = await Reflect.apply(input, undefined, [inner]);
      await this.#each((watch) => watch.committing(transaction));
      return result;
    };
    try {
      const result: unknown = await this.transactions.scope(() => Reflect.apply(start, client, [inside, options]));
      await this.#end(begun, outer, (watch, transaction) => watch.committed(transaction));
      return result;
    } catch (error) {
      await this.#end(begun, outer, async (watch, transaction) => watch.rolledBack(transaction));
      throw error;
    }
  }

  async #transactList(start: () => Promise<unknown>): Promise<unknown> {
    const afterCommit: (() => Promise<void>)[] = [];
    const transaction: Transaction = { afterCommit };
    try {
      return await this.transactions.scope(async () => {
        this.transactions.starting(transaction);
        this.transactions.started(transaction);
        const result = await start();
        for (const done of afterCommit) await done();
        return result;
      });
    } finally {
      this.transactions.ended(transaction);
    }
  }

  #begin(client: object, outer: Transaction | undefined): Transaction {
    const transaction = outer ?? { client };
    this.#byClient.set(client, transaction);
    this.transactions.starting(transaction);
    this.transactions.started(transaction);
    for (const watch of this.#watches) watch.began(transaction);
    return transaction;
  }

  /** After the end of a savepoint its transaction goes on. Nothing has begun where the database could not be reached. */
  async #end(
    transaction: Transaction | undefined,
    outer: Transaction | undefined,
    tell: (watch: PrismaWatch, transaction: Transaction) => Promise<void>,
  ): Promise<void> {
    if (transaction === undefined) return;
    if (outer === undefined) {
      this.transactions.ended(transaction);
      for (const [id, each] of this.#byId) if (each === transaction) this.#byId.delete(id);
    }
    await this.#each((watch) => tell(watch, transaction));
  }

  #transactionOf(id: unknown): Transaction | undefined {
    const transaction = this.#byId.get(id) ?? this.transactions.current();
    if (transaction !== undefined) this.#byId.set(id, transaction);
    return transaction;
  }

  async #each(tell: (watch: PrismaWatch) => Promise<void>): Promise<void> {
    for (const watch of this.#watches) await tell(watch);
  }
}

/** The name under which a client carries its link. Clients that extend it further keep it. */
export const LINK = '$asyncCacheLink';

/** The link of a client that `reportWrites` has extended. */
export function linkOf(client: object): ClientLink | undefined {
  return (client as { readonly [LINK]?: ClientLink })[LINK];
}
