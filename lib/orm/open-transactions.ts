import { AsyncLocalStorage } from 'node:async_hooks';

interface Scope<Transaction> {
  transaction: Transaction | undefined;
}

/**
 * Knows in which open transaction the caller is. On Node 20 an AsyncLocalStorage that has ever run makes every promise
 * of the process cost about twice as much, so it is disabled whenever there is no transaction.
 */
export class OpenTransactions<Transaction extends object> {
  readonly #storage = new AsyncLocalStorage<Scope<Transaction>>();
  readonly #starting = new Set<Transaction>();
  readonly #open = new Set<Transaction>();
  #scopes = 0;

  /** @param isOpen false for a transaction whose connection is gone. */
  constructor(private readonly isOpen: (transaction: Transaction) => boolean) {}

  has(transaction: Transaction): boolean {
    return this.#open.has(transaction);
  }

  current(): Transaction | undefined {
    if (this.#open.size === 0) return undefined;
    const transaction = this.#storage.getStore()?.transaction;
    return transaction !== undefined && this.has(transaction) && this.isOpen(transaction) ? transaction : undefined;
  }

  /**
   * Runs a function that will start a transaction and do its work inside. What runs beside it is not in that
   * transaction.
   */
  async scope<Result>(run: () => Promise<Result>): Promise<Result> {
    this.#scopes += 1;
    try {
      return await this.#storage.run({ transaction: undefined }, run);
    } finally {
      this.#scopes -= 1;
      this.#rest();
    }
  }

  /** Call it in the synchronous part of the call that starts the transaction: the caller is inside from then on. */
  starting(transaction: Transaction): void {
    this.#starting.add(transaction);
    const scope = this.#scopes === 0 ? undefined : this.#storage.getStore();
    if (scope !== undefined && scope.transaction === undefined) scope.transaction = transaction;
    else if (scope?.transaction !== transaction) this.#storage.enterWith({ transaction });
  }

  /**
   * As `starting`, for an ORM that makes the transaction later. The caller is inside once the returned function has been
   * given it; undefined when it could not be started.
   */
  begin(): (transaction: Transaction | undefined) => void {
    const scope: Scope<Transaction> = { transaction: undefined };
    this.#scopes += 1;
    this.#storage.enterWith(scope);
    return (transaction) => {
      this.#scopes -= 1;
      scope.transaction = transaction;
      if (transaction !== undefined) this.started(transaction);
      this.#rest();
    };
  }

  started(transaction: Transaction): void {
    this.#starting.delete(transaction);
    this.#open.add(transaction);
  }

  ended(transaction: Transaction): void {
    this.#open.delete(transaction);
    this.#rest();
  }

  #rest(): void {
    if (this.#scopes + this.#starting.size + this.#open.size === 0) this.#storage.disable();
  }
}
