import { DatabaseWatch, type Write } from '../orm/database-watch.js';
import { runTransaction } from '../orm/transaction-events.js';
import { type Database, dataModelOf } from './drizzle-model.js';
import type { Transaction } from './transaction.js';

type Work = (database: Connected) => unknown;
type Start = (work: Work, ...rest: unknown[]) => Promise<unknown>;
type Run = (...args: unknown[]) => Promise<unknown>;

/** A statement that writes, as Drizzle describes it. */
interface Mutation {
  readonly type: string;
  /** Names in the database, with the schema where it is not the default one. */
  readonly tables: readonly string[];
}

interface Session {
  prepareQuery: (...args: unknown[]) => { execute: Run };
}

/** A database, or one inside of a transaction. */
interface Connected {
  readonly session: Session;
  transaction: Start;
}

/** Where `prepareQuery` of a session of PostgreSQL takes what a statement writes. */
const METADATA = 5;
const MUTATIONS: ReadonlySet<string> = new Set(['insert', 'update', 'delete']);

/** Watches a database at its session. @param name the name of the data source. */
export function watchDatabase(database: Database, name: string): DatabaseWatch<Transaction> {
  const models = dataModelOf(database, name);
  const watch = new DatabaseWatch<Transaction>(`Drizzle (${name})`, () => models.values());
  /** Drizzle says which table, and not which rows. */
  const writesOf = ({ type, tables }: Mutation): Write[] =>
    tables.flatMap((table) => {
      const known = database._.tableNamesMap[table.includes('.') ? table : `public.${table}`];
      const model = models.get(known ?? '');
      return model === undefined ? [] : [{ model, removes: type === 'delete' }];
    });

  const watched = new WeakSet<Session>();
  /** By session, the last transaction on it. A pool gives each transaction a session of its own, a client does not. */
  const bySession = new WeakMap<Session, Transaction>();
  const connectionOf = (session: Session): Transaction => {
    const transaction = bySession.get(session);
    return transaction !== undefined && watch.transactions.has(transaction) ? transaction : {};
  };

  const watchSession = (session: Session): void => {
    if (watched.has(session)) return;
    watched.add(session);
    const prepare = session.prepareQuery.bind(session);
    session.prepareQuery = (...args) => {
      const prepared = prepare(...args);
      const mutation = args[METADATA] as Mutation | undefined;
      if (mutation === undefined || !MUTATIONS.has(mutation.type)) return prepared;
      const execute = prepared.execute.bind(prepared);
      prepared.execute = async (...given) => {
        const [connection, written] = [connectionOf(session), writesOf(mutation)];
        await watch.writing(connection, written);
        const result = await execute(...given);
        await watch.wrote(connection, written);
        return result;
      };
      return prepared;
    };
  };

  const watchTransactions = (connected: Connected, outer?: Transaction): void => {
    const start = connected.transaction.bind(connected);
    const enter = (inner: Connected): Transaction => {
      const transaction = outer ?? { database: inner };
      bySession.set(inner.session, transaction);
      watchSession(inner.session);
      watchTransactions(inner, transaction);
      return transaction;
    };
    connected.transaction = (work, ...rest) =>
      runTransaction(watch.transactions, watch, outer !== undefined, enter, (inside) => start(inside, ...rest), work);
  };

  const connected = database as unknown as Connected;
  watchSession(connected.session);
  watchTransactions(connected);
  return watch;
}
