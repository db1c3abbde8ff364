import { OpenTransactions } from '../orm/open-transactions.js';
import type { DrizzleWatch, Mutation } from './drizzle-watch.js';
import type { Transaction } from './transaction.js';

type Work = (database: Connected) => Promise<unknown>;
type Start = (work: Work, ...rest: unknown[]) => Promise<unknown>;
type Run = (...args: unknown[]) => Promise<unknown>;

interface Prepared {
  execute: Run;
}

interface Session {
  prepareQuery: (...args: unknown[]) => Prepared;
}

/** A database, or one inside of a transaction. */
interface Connected {
  readonly session: Session;
  transaction: Start;
}

/** Where `prepareQuery` of a session of PostgreSQL takes what a statement writes. */
const METADATA = 5;
const MUTATIONS: ReadonlySet<string> = new Set(['insert', 'update', 'delete']);

const links = new WeakMap<object, DatabaseLink>();

/** Between a database and the applications that want to know of its writes. */
export class DatabaseLink {
  readonly transactions = new OpenTransactions<Transaction>(() => true);
  readonly #watches = new Set<DrizzleWatch>();
  /** The transaction that is open on a session. A pool gives each its own session. */
  readonly #bySession = new WeakMap<Session, Transaction>();
  readonly #watched = new WeakSet<Session>();

  private constructor(database: Connected) {
    this.#watchSession(database.session);
    this.#watchTransactions(database, undefined);
  }

  /** The link of a database, whose methods are replaced on this one object by the first call. */
  static of(database: object): DatabaseLink {
    const link = links.get(database) ?? new DatabaseLink(database as Connected);
    links.set(database, link);
    return link;
  }

  tell(watch: DrizzleWatch): void {
    this.#watches.add(watch);
  }

  #watchSession(session: Session): void {
    if (this.#watched.has(session)) return;
    this.#watched.add(session);
    const prepare = session.prepareQuery.bind(session);
    session.prepareQuery = (...args: unknown[]) => {
      const prepared = prepare(...args);
      const mutation = args[METADATA] as Mutation | undefined;
      if (mutation === undefined || !MUTATIONS.has(mutation.type)) return prepared;
      const execute = prepared.execute.bind(prepared);
      prepared.execute = (...given: unknown[]) => this.#write(session, mutation, () => execute(...given));
      return prepared;
    };
  }

  async #write(session: Session, mutation: Mutation, execute: () => Promise<unknown>): Promise<unknown> {
    const connection = this.#bySession.get(session) ?? {};
    await this.#each((watch) => watch.writing(connection, mutation));
    const result = await execute();
    await this.#each((watch) => watch.wrote(connection, mutation));
    return result;
  }

  #watchTransactions(database: Connected, outer: Transaction | undefined): void {
    const start = database.transaction.bind(database);
    database.transaction = (work, ...rest) => this.#transact(start, outer, work, rest);
  }

  async #transact(start: Start, outer: Transaction | undefined, work: Work, rest: unknown[]): Promise<unknown> {
    let begun: Transaction | undefined;
    let used: Session | undefined;
    const inside: Work = async (inner) => {
      const transaction = outer ?? { database: inner };
      begun = transaction;
      used = inner.session;
      this.#watchSession(inner.session);
      this.#watchTransactions(inner, transaction);
      this.#bySession.set(inner.session, transaction);
      this.transactions.starting(transaction);
      this.transactions.started(transaction);
      for (const watch of this.#watches) watch.began(transaction);
      const result = await work(inner);
      await this.#each((watch) => watch.committing(transaction));
      return result;
    };
    const end = async (tell: (watch: DrizzleWatch, transaction: Transaction) => Promise<void>): Promise<void> => {
      // Nothing has begun where the database could not be reached.
      if (begun === undefined) return;
      const transaction = begun;
      if (outer === undefined) {
        this.transactions.ended(transaction);
        if (used !== undefined) this.#bySession.delete(used);
      }
      await this.#each((watch) => tell(watch, transaction));
    };
    try {
      const result = await this.transactions.scope(() => start(inside, ...rest));
      await end((watch, transaction) => watch.committed(transaction));
      return result;
    } catch (error) {
      await end(async (watch, transaction) => watch.rolledBack(transaction));
      throw error;
    }
  }

  async #each(tell: (watch: DrizzleWatch) => Promise<void>): Promise<void> {
    for (const watch of this.#watches) await tell(watch);
  }
}
