import type { Model, ModelStatic, Sequelize, Transaction } from 'sequelize';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { PerApplication } from '../orm/per-application.js';
import { WriteWatch } from '../orm/write-watch.js';
import { SequelizeModel } from './sequelize-model.js';

/** What Sequelize gives to hooks of a query, beside its options. */
interface Query {
  readonly type?: string;
  readonly model?: ModelStatic<Model>;
  readonly instance?: Model;
  readonly transaction?: Transaction | null;
}

const CHANGES: ReadonlySet<string> = new Set(['INSERT', 'UPSERT', 'UPDATE', 'BULKUPDATE']);

const watches = new PerApplication<Sequelize, SequelizeWatch>();

/**
 * What a data source tells of its queries and transactions. Sequelize has hooks for each kind of write, but `increment`
 * runs none of them and `hooks: false` turns them off. The hooks of queries see every statement that it makes itself.
 */
export class SequelizeWatch extends WriteWatch<object> {
  /** By outermost transaction: what it and its savepoints wrote that has not been rolled back. */
  readonly #written = new WeakMap<Transaction, Map<Transaction, Set<string>>>();

  private constructor(
    runtime: AsyncCacheRuntime,
    sequelize: Sequelize,
    private readonly name: string,
  ) {
    super(
      runtime,
      `Sequelize (${name})`,
      () => Object.values(sequelize.models).map((model) => SequelizeModel.of(model, name)),
      (transaction) => !isFinished(transaction as Transaction),
    );
    // Sequelize gives both hooks the same query. Outside of a transaction it stands for one.
    sequelize.addHook('beforeQuery', (options: unknown, query: object) => this.#before(options as Query, query));
    sequelize.addHook('afterQuery', (options: unknown, query: object) => this.#after(options as Query, query));
    const transaction = sequelize.transaction.bind(sequelize) as (...args: unknown[]) => Promise<unknown>;
    sequelize.transaction = (...args: unknown[]) => this.#transaction(transaction, args) as Promise<never>;
  }

  /** The watch of an application over a data source, which begins with the first call. */
  static of(runtime: AsyncCacheRuntime, sequelize: Sequelize, name: string): SequelizeWatch {
    return watches.get(runtime, sequelize, () => new SequelizeWatch(runtime, sequelize, name));
  }

  async #before(query: Query, key: object): Promise<void> {
    if (query.transaction) return;
    await this.writes.writing(key, this.#tagsOf(query, undefined));
  }

  /** Sequelize also calls it for a statement that failed. To invalidate then costs a fetch and does no harm. */
  async #after(query: Query, key: object): Promise<void> {
    const { type, instance, transaction } = query;
    // Which row an upsert changed is known only to the database.
    const row = type === 'UPSERT' ? undefined : instance;
    const tags = this.#tagsOf(query, row);
    if (tags.length === 0) return;
    if (!transaction) await this.writes.wrote(key, tags);
    else for (const tag of tags) this.#tagsWritten(transaction).add(tag);
  }

  #tagsOf({ type = '', model }: Query, row: Model | undefined): readonly string[] {
    if (model === undefined) return [];
    const removes = type === 'DELETE' || type === 'BULKDELETE';
    if (!removes && !CHANGES.has(type)) return [];
    return this.tagsOf(SequelizeModel.of(model, this.name), row, removes);
  }

  #tagsWritten(transaction: Transaction): Set<string> {
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
    return written.get(transaction) as Set<string>;
  }

  /**
   * What a savepoint wrote counts unless it was rolled back: in Sequelize the commit of a savepoint does nothing. The hook
   * `afterCommit` would come too late for the mark, and comes after a commit that failed as well.
   */
  #watchCommit(root: Transaction): void {
    const commit = root.commit.bind(root);
    root.commit = async () => {
      const tags = [...(this.#written.get(root)?.values() ?? [])].flatMap((level) => [...level]);
      this.writes.began(root);
      await this.writes.wrote(root, [...new Set(tags)]);
      await this.writes.committing(root);
      try {
        await commit();
      } catch (error) {
        await this.writes.uncertain(root);
        throw error;
      }
      await this.writes.committed(root);
    };
  }

  /** Replaced on the one object: a cached read is not told of the transaction that it is in. */
  async #transaction(start: (...args: unknown[]) => Promise<unknown>, args: readonly unknown[]): Promise<unknown> {
    const callback = args.find((each) => typeof each === 'function') as ((given: Transaction) => unknown) | undefined;
    if (callback !== undefined) {
      const inside = async (transaction: Transaction): Promise<unknown> => {
        this.transactions.starting(transaction);
        this.transactions.started(transaction);
        try {
          return await callback(transaction);
        } finally {
          this.transactions.ended(transaction);
        }
      };
      return this.transactions.scope(() => start(...args.filter((each) => each !== callback), inside));
    }
    const begun = this.transactions.begin();
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
      transaction[end] = () => original().finally(() => this.transactions.ended(transaction));
    }
  }
}

function watchRollback(level: Transaction, written: Map<Transaction, Set<string>>): void {
  const rollback = level.rollback.bind(level);
  level.rollback = async () => {
    await rollback();
    for (const [each, tags] of written) if (isWithin(each, level)) tags.clear();
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
