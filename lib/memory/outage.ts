import type { Clock, Store } from '../core/ports.js';

/** How long after a failure a store is not waited for, and how often it is asked whether it takes writes again. */
const INTERVAL = 500;
/** How many keys are asked about at a time, once the first answer was good. */
const BATCH = 100;

export interface OutageOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** How many keys it is told of at most. */
  readonly max: number;
  /** Called with a key that something was done to alone: when the store takes writes of it again, or when there are too many. */
  readonly forget: (key: string) => void;
}

/** Whether a shared store works, as this process has found, and what it did alone meanwhile. */
export class Outage {
  /** Keys with what was done without the store, the oldest first. */
  readonly #alone = new Map<string, 'filled' | 'failed'>();
  #failedAt = -Infinity;
  #probing = false;
  #closed = false;

  constructor(private readonly options: OutageOptions) {}

  /** A reader who has just waited in vain for one operation does not wait for the next one as well. */
  get isRecent(): boolean {
    return this.options.clock.now() - this.#failedAt < INTERVAL;
  }

  /** No other process knows what is done here. */
  get isAlone(): boolean {
    return this.#alone.size > 0 || this.isRecent;
  }

  failed(): void {
    this.#failedAt = this.options.clock.now();
  }

  worked(): void {
    this.#failedAt = -Infinity;
  }

  /** What is copied of this key is not in the store. */
  hasFilled(key: string): boolean {
    return this.#alone.size > 0 && this.#alone.get(key) === 'filled';
  }

  /** Asks the store from now on. That it can be read says little: one that is full answers reads and refuses writes. */
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

  /** What was done alone is not used any more. */
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

  /** Key by key, since in a Cluster each may be another server's affair. */
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

  /** The shortest of all writes: a lease that is given back. */
  async #takesWrites(key: string): Promise<boolean> {
    const { store } = this.options;
    try {
      const acquired = await store.acquire(key, { lease: INTERVAL, respectBackoff: false, takeOver: false });
      if (acquired.kind !== 'granted') return false;
      await store.release(acquired.lease, { kind: 'unfilled' });
      return true;
    } catch {
      // Told when it happened to a reader.
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
