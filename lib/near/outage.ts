import type { Clock, Store } from '../core/ports.js';

/**
 * Milliseconds after a failure for which readers do not wait for the store, and between two probes whether it accepts
 * writes again.
 */
const INTERVAL = 500;
/** How many keys are probed at a time after a first probe has succeeded. */
const BATCH = 100;

export interface OutageOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** How many keys are remembered at most. */
  readonly max: number;
  /**
   * Called with a key whose local entry is no longer needed: the store accepts writes of it again, or too many keys are
   * remembered.
   */
  readonly forget: (key: string) => void;
}

/** Tracks whether the shared store works, as seen by this process, and what the process did alone meanwhile. */
export class Outage {
  /** Keys that were filled or failed without the store, oldest first. */
  readonly #alone = new Map<string, 'filled' | 'failed'>();
  #failedAt = -Infinity;
  #probing = false;
  #closed = false;

  constructor(private readonly options: OutageOptions) {}

  /**
   * True shortly after a failure. A reader that has waited in vain for one operation does not wait for the next one as
   * well.
   */
  get isRecent(): boolean {
    return this.options.clock.now() - this.#failedAt < INTERVAL;
  }

  /** True while this process fills keys that no other process knows of. */
  get isAlone(): boolean {
    return this.#alone.size > 0 || this.isRecent;
  }

  failed(): void {
    this.#failedAt = this.options.clock.now();
  }

  worked(): void {
    this.#failedAt = -Infinity;
  }

  /** True when the copy of this key exists here only and not in the store. */
  hasFilled(key: string): boolean {
    return this.#alone.size > 0 && this.#alone.get(key) === 'filled';
  }

  /** Starts probing the store. Successful reads prove little, since a full Redis answers reads and refuses writes. */
  actedAlone(key: string, how: 'filled' | 'failed'): void {
    const known = this.hasFilled(key) ? 'filled' : how;
    this.#alone.delete(key);
    this.#alone.set(key, known);
    const [oldest] = this.#alone.keys();
    if (this.#alone.size > this.options.max && oldest !== undefined) this.#forget(oldest);
    if (this.#probing) return;
    this.#probing = true;
    this.#probeLater();
  }

  /** Stops using what was done alone for this key. */
  drop(key: string): void {
    this.#alone.delete(key);
  }

  dropAll(): void {
    this.#alone.clear();
  }

  close(): void {
    this.#closed = true;
  }

  #probeLater(): void {
    this.options.clock.schedule(INTERVAL, () => {
      if (!this.#closed) void this.#probe();
    });
  }

  /** Probes key by key, since in a Cluster each key may be on another server. */
  async #probe(): Promise<void> {
    for (let size = 1; this.#alone.size > 0 && !this.#closed; size = BATCH) {
      const keys = [...this.#alone.keys()].slice(0, size);
      const took = await Promise.all(keys.map((key) => this.#takesWrites(key)));
      keys.forEach((key, index) => {
        if (took[index] === true) this.#forget(key);
        else this.#askLast(key);
      });
      if (took.includes(false)) {
        this.#probeLater();
        return;
      }
      this.worked();
    }
    this.#probing = false;
  }

  /** Uses the cheapest write there is: a lease that is released at once. */
  async #takesWrites(key: string): Promise<boolean> {
    const { store } = this.options;
    try {
      const acquired = await store.acquire(key, { lease: INTERVAL, respectBackoff: false, takeOver: false });
      if (acquired.kind !== 'granted') return false;
      await store.release(acquired.lease, { kind: 'unfilled' });
      return true;
    } catch {
      // The failure was reported when a reader met it.
      return false;
    }
  }

  #askLast(key: string): void {
    const how = this.#alone.get(key);
    if (how === undefined) return;
    this.#alone.delete(key);
    this.#alone.set(key, how);
  }

  #forget(key: string): void {
    this.#alone.delete(key);
    this.options.forget(key);
  }
}
