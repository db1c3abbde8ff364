import type { Model, ModelStatic, Sequelize, Transaction } from 'sequelize';
import { DatabaseWatch, type Write } from '../orm/database-watch.js';
import { OpenTransactions } from '../orm/open-transactions.js';
import { SequelizeModel } from './sequelize-model.js';

/** What Sequelize gives to hooks of a query, beside its options. */
interface Query {
  readonly type?: string;
  readonly model?: ModelStatic<Model>;
  readonly instance?: Model;
  readonly transaction?: Transaction | null;
}

const CHANGES: ReadonlySet<string> = new Set(['INSERT', 'UPSERT', 'UPDATE', 'BULKUPDATE']);

/**
 * Watches a data source at its queries. Sequelize has hooks for each kind of write, but `increment` runs none of them and
 * `hooks: false` turns them off. The hooks of queries see every statement that it makes itself.
 * @param name the name of the data source.
 */
export function watchSequelize(sequelize: Sequelize, name: string): DatabaseWatch<object> {
  const models = (): SequelizeModel[] => Object.values(sequelize.models).map((model) => SequelizeModel.of(model, name));
  const watch = new DatabaseWatch<object>(
    `Sequelize (${name})`,
    models,
    new OpenTransactions((transaction) => !isFinished(transaction as Transaction)),
  );
  new SequelizeHooks(sequelize, name, watch);
  return watch;
}

class SequelizeHooks {
  /** By outermost transaction: what it and its savepoints wrote that has not been rolled back. */
  readonly #written = new WeakMap<Transaction, Map<Transaction, Set<Write>>>();

  constructor(
    sequelize: Sequelize,
    private readonly name: string,
    private readonly watch: DatabaseWatch<object>,
  ) {
    // Sequelize gives both hooks the same query. Outside of a transaction it stands for one.
    sequelize.addHook('beforeQuery', (options: unknown, query: object) => this.#before(options as Query, query));
    sequelize.addHook('afterQuery', (options: unknown, query: object) => this.#after(options as Query, query));
    const transaction = sequelize.transaction.bind(sequelize) as (...args: unknown[]) => Promise<unknown>;
    sequelize.transaction = (...args: unknown[]) => this.#transaction(transaction, args) as Promise<never>;
  }

  async #before(query: Query, key: object): Promise<void> {
    const written = this.#writeOf(query, undefined);
    if (written !== undefined && !query.transaction) await this.watch.writing(key, [written]);
  }

  /** Sequelize also calls it for a statement that failed. To invalidate then costs a fetch and does no harm. */
  async #after(query: Query, key: object): Promise<void> {
    const { type, instance, transaction } = query;
    // Which row an upsert changed is known only to the database.
    const written = this.#writeOf(query, type === 'UPSERT' ? undefined : instance);
    if (written === undefined) return;
    if (transaction) this.#writtenIn(transaction).add(written);
    else await this.watch.wrote(key, [written]);
  }

  #writeOf({ type = '', model }: Query, row: Model | undefined): Write | undefined {
    const removes = type === 'DELETE' || type === 'BULKDELETE';
    if (model === undefined || (!removes && !CHANGES.has(type))) return undefined;
    return { model: SequelizeModel.of(model, this.name), row, removes };
  }

  #writtenIn(transaction: Transaction): Set<Write> {
    const root = rootOf(transaction);
    let written = this.#written.get(root);
    if (written === undefined) {
      written = new Map();
      this.#written.set(root, written);
      this.#watchCommit(root);
    }
    for (let level = transaction; !written.has(level); level = parentOf(level) ?? level) {
      written.set(level, new Set());
      if (level !== root) watchRollback(level, written);
    }
    return written.get(transaction) as Set<Write>;
  }

  /**
   * What a savepoint wrote counts unless it was rolled back: in Sequelize the commit of a savepoint does nothing. The hook
   * `afterCommit` would come too late for the mark, and comes after a commit that failed as well.
   */
  #watchCommit(root: Transaction): void {
    const commit = root.commit.bind(root);
    root.commit = async () => {
      const written = [...(this.#written.get(root)?.values() ?? [])].flatMap((level) => [...level]);
      this.watch.began(root);
      await this.watch.wrote(root, written);
      await this.watch.commit(root, commit);
    };
  }

  /** Replaced on the one object: a cached read is not told of the transaction that it is in. */
  async #transaction(start: (...args: unknown[]) => Promise<unknown>, args: readonly unknown[]): Promise<unknown> {
    const callback = args.find((each) => typeof each === 'function') as ((given: Transaction) => unknown) | undefined;
    if (callback !== undefined) {
      const inside = async (transaction: Transaction): Promise<unknown> => {
        this.watch.transactions.starting(transaction);
        this.watch.transactions.started(transaction);
        try {
          return await callback(transaction);
        } finally {
          this.watch.transactions.ended(transaction);
        }
      };
      return this.watch.transactions.scope(() => start(...args.filter((each) => each !== callback), inside));
    }
    const begun = this.watch.transactions.begin();
    try {
      const transaction = (await start(...args)) as Transaction;
      begun(transaction);
      this.#watchEnd(transaction);
      return transaction;
    } catch (error) {
      begun(undefined);
      throw error;
    }
  }

  #watchEnd(transaction: Transaction): void {
    for (const end of ['commit', 'rollback'] as const) {
      const original = transaction[end].bind(transaction);
      transaction[end] = () => original().finally(() => this.watch.transactions.ended(transaction));
    }
  }
}

function watchRollback(level: Transaction, written: Map<Transaction, Set<Write>>): void {
  const rollback = level.rollback.bind(level);
  level.rollback = async () => {
    await rollback();
    for (const [each, writes] of written) if (isWithin(each, level)) writes.clear();
  };
}

function isWithin(level: Transaction, around: Transaction): boolean {
  for (let each: Transaction | undefined = level; each !== undefined; each = parentOf(each)) {
    if (each === around) return true;
  }
  return false;
}

function rootOf(transaction: Transaction): Transaction {
  const parent = parentOf(transaction);
  return parent === undefined ? transaction : rootOf(parent);
}

function parentOf(transaction: Transaction): Transaction | undefined {
  return (transaction as Transaction & { readonly parent?: Transaction }).parent;
}

function isFinished(transaction: Transaction): boolean {
  return (transaction as Transaction & { readonly finished?: string }).finished !== undefined;
}
