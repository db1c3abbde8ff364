/** What each open transaction has written, by savepoint. It knows tags and nothing else. */
export class WriteLog<Transaction extends object> {
  /** From the outermost level inward. */
  readonly #levels = new WeakMap<Transaction, Set<string>[]>();

  /** A transaction or a savepoint in it began. */
  began(transaction: Transaction): void {
    const levels = this.#levels.get(transaction);
    if (levels === undefined) this.#levels.set(transaction, [new Set()]);
    else levels.push(new Set());
  }

  /** False when the transaction is not open, so that the write is committed already. */
  wrote(transaction: Transaction, tags: readonly string[]): boolean {
    const level = this.#levels.get(transaction)?.at(-1);
    for (const tag of tags) level?.add(tag);
    return level !== undefined;
  }

  isOpen(transaction: Transaction): boolean {
    return this.#levels.has(transaction);
  }

  /** Whether the transaction is open, and no savepoint in it. */
  isOutermost(transaction: Transaction): boolean {
    return this.#levels.get(transaction)?.length === 1;
  }

  /** What the commit that is about to happen would make visible; nothing for a savepoint. */
  committing(transaction: Transaction): readonly string[] {
    return this.isOutermost(transaction) ? [...(this.#levels.get(transaction)?.[0] ?? [])] : [];
  }

  /** What has become visible; undefined for a savepoint, whose writes are those of the level around it from now on. */
  committed(transaction: Transaction): readonly string[] | undefined {
    const ended = this.#end(transaction);
    const around = this.#levels.get(transaction)?.at(-1);
    if (around === undefined) return [...ended];
    for (const tag of ended) around.add(tag);
    return undefined;
  }

  /** Forgets what was written since the savepoint, or in the whole transaction. */
  rolledBack(transaction: Transaction): void {
    this.#end(transaction);
  }

  #end(transaction: Transaction): ReadonlySet<string> {
    const levels = this.#levels.get(transaction) ?? [];
    const ended = levels.pop();
    if (levels.length === 0) this.#levels.delete(transaction);
    return ended ?? new Set();
  }
}
