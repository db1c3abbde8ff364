/** So many keys are remembered; of more, the oldest failures are the ones that count. */
const MOST_KEYS = 1_000;

interface Failing {
  /** When the first failure of the row was. */
  readonly since: number;
  readonly retryAt: number;
}

/** The keys whose last refresh in this process failed. All times are milliseconds of the process's clock. */
export class FailingKeys {
  readonly #keys = new Map<string, Failing>();

  failed(key: string, now: number, retryAt: number): void {
    const known = this.#keys.get(key);
    if (known !== undefined || this.#keys.size < MOST_KEYS)
      this.#keys.set(key, { since: known?.since ?? now, retryAt });
  }

  succeeded(key: string): void {
    this.#keys.delete(key);
  }

  get size(): number {
    return this.#keys.size;
  }

  /** The start of the longest row of failures; undefined while none goes on. */
  get oldest(): number | undefined {
    return this.#keys.values().next().value?.since;
  }

  /** When the first of the keys may be tried again; undefined while none fails. */
  get nextAttempt(): number | undefined {
    const times = [...this.#keys.values()].map(({ retryAt }) => retryAt);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}
