import type { OpenTransactions } from './open-transactions.js';

/** What is told of transactions and of the savepoints in them. */
export interface TransactionEvents<Transaction extends object> {
  began(transaction: Transaction): void;
  /** The commit is about to happen. */
  committing(transaction: Transaction): Promise<void>;
  committed(transaction: Transaction): Promise<void>;
  rolledBack(transaction: Transaction): void;
  /** The commit failed, so nobody knows whether it happened. Not called for a savepoint. */
  uncertain(transaction: Transaction, error: unknown): Promise<void>;
}

/**
 * Runs a transaction or a savepoint of an ORM that takes the work as a function, and whose promise tells of the end.
 * @param enter returns the transaction of what the ORM gives to the work: for a savepoint, the one around it.
 * @param start the function of the ORM.
 */
export async function runTransaction<Transaction extends object, Inner>(
  transactions: OpenTransactions<Transaction>,
  events: TransactionEvents<Transaction>,
  isSavepoint: boolean,
  enter: (inner: Inner) => Transaction,
  start: (work: (inner: Inner) => Promise<unknown>) => Promise<unknown>,
  work: (inner: Inner) => unknown,
): Promise<unknown> {
  // Stays undefined where the database could not be reached.
  let begun: { readonly transaction: Transaction; isCommitting: boolean } | undefined;
  const inside = async (inner: Inner): Promise<unknown> => {
    const transaction = enter(inner);
    begun = { transaction, isCommitting: false };
    transactions.starting(transaction);
    transactions.started(transaction);
    events.began(transaction);
    const result = await work(inner);
    await events.committing(transaction);
    begun.isCommitting = !isSavepoint;
    return result;
  };
  // After the end of a savepoint its transaction goes on.
  const end = (): typeof begun => {
    if (begun !== undefined && !isSavepoint) transactions.ended(begun.transaction);
    return begun;
  };
  let result: unknown;
  try {
    result = await transactions.scope(() => start(inside));
  } catch (error) {
    const ended = end();
    if (ended?.isCommitting === true) await events.uncertain(ended.transaction, error);
    else if (ended !== undefined) events.rolledBack(ended.transaction);
    throw error;
  }
  const committed = end();
  if (committed !== undefined) await events.committed(committed.transaction);
  return result;
}
