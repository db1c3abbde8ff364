/** So many keys are remembered; of more, the oldest failures are the ones that count. */
const MOST_KEYS = 1_000;

/** Since when refreshes of keys have been failing in this process. */
export class FailingKeys {
  readonly #since = new Map<string, number>();

  failed(key: string, now: number): void {
    if (!this.#since.has(key) && this.#since.size < MOST_KEYS) this.#since.set(key, now);
  }

  succeeded(key: string): void {
    this.#since.delete(key);
  }

  /** The start of the longest row of failures; undefined while none goes on. */
  get oldest(): number | undefined {
    return this.#since.values().next().value;
  }
}
