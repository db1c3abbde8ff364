import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import type { DoubtfulWrites, Withdraw } from './doubtful-writes.js';
import { LostInvalidations } from './lost-invalidations.js';
import { WriteLog } from './write-log.js';

/**
 * Invalidates what transactions wrote, after their outermost commit. Never rejects: the write has happened, and a
 * failure of the cache must not look like a failure of the write.
 */
export class InvalidationAfterCommit<Transaction extends object> {
  readonly #log = new WriteLog<Transaction>();
  readonly #marks = new WeakMap<Transaction, Withdraw>();
  readonly #lost: LostInvalidations;

  /** @param writer names the ORM and the data source in reports. */
  constructor(
    private readonly runtime: AsyncCacheRuntime,
    private readonly doubtful: DoubtfulWrites,
    private readonly writer: string,
  ) {
    this.#lost = new LostInvalidations(runtime);
  }

  /** A transaction or a savepoint in it began. */
  began(transaction: Transaction): void {
    this.#log.began(transaction);
  }

  /** A statement outside of a transaction is about to run: it commits as soon as it has run. */
  async writing(connection: Transaction, tags: readonly string[]): Promise<void> {
    if (!this.#log.isOpen(connection)) await this.#mark(connection, tags);
  }

  /** A statement ran; outside of a transaction it is committed. */
  async wrote(connection: Transaction, tags: readonly string[]): Promise<void> {
    if (!this.#log.wrote(connection, tags)) await this.#invalidate(connection, tags);
  }

  async committing(transaction: Transaction): Promise<void> {
    await this.#mark(transaction, this.#log.committing(transaction));
  }

  async committed(transaction: Transaction): Promise<void> {
    const tags = this.#log.committed(transaction);
    if (tags !== undefined) await this.#invalidate(transaction, tags);
  }

  /**
   * The commit failed, perhaps because the connection was lost while it was under way. The mark stays: the commit may still
   * happen. Does nothing for a savepoint, which ends with its transaction.
   */
  async uncertain(transaction: Transaction): Promise<void> {
    if (!this.#log.isOutermost(transaction)) return;
    this.#marks.delete(transaction);
    await this.committed(transaction);
  }

  rolledBack(transaction: Transaction): void {
    this.#log.rolledBack(transaction);
  }

  async #mark(connection: Transaction, tags: readonly string[]): Promise<void> {
    if (tags.length === 0) return;
    const withdraw = await this.doubtful.mark(tags);
    if (withdraw !== undefined) this.#marks.set(connection, withdraw);
  }

  async #invalidate(connection: Transaction, tags: readonly string[]): Promise<void> {
    const withdraw = this.#marks.get(connection);
    this.#marks.delete(connection);
    if (tags.length === 0) return;
    try {
      await this.runtime.cache.invalidateTags(tags);
    } catch (error) {
      // The mark stays, if there is one: this process may end before the store is back.
      this.#lost.add(tags);
      this.runtime.observer.observe({ type: 'invalidation-failed', job: '', key: '', writer: this.writer, error });
      return;
    }
    await withdraw?.();
  }
}
