import { randomUUID } from 'node:crypto';
import type { Clock, Store } from '../core/ports.js';

/** How long after a failure a store is not waited for, and how often it is asked whether it takes writes again. */
const INTERVAL = 500;

/** Whether a shared store works, as this process has found; and when it takes writes again. */
export class Outage {
  readonly #probeKey = `probe ${randomUUID()}`;
  #failedAt = -Infinity;
  #probing = false;
  #closed = false;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    /** Called when the store takes writes again, after `untilRecovered`. */
    private readonly onRecovered: () => void,
  ) {}

  /** A reader who has just waited in vain for one operation does not wait for the next one as well. */
  get isRecent(): boolean {
    return this.clock.now() - this.#failedAt < INTERVAL;
  }

  failed(): void {
    this.#failedAt = this.clock.now();
  }

  worked(): void {
    this.#failedAt = -Infinity;
  }

  /** Asks the store from now on. That it can be read says little: one that is full answers reads and refuses writes. */
  untilRecovered(): void {
    if (this.#probing) return;
    this.#probing = true;
    this.#probeLater();
  }

  close(): void {
    this.#closed = true;
  }

  #probeLater(): void {
    this.clock.schedule(INTERVAL, () => {
      if (!this.#closed) void this.#probe();
    });
  }

  async #probe(): Promise<void> {
    try {
      const claim = { lease: INTERVAL, respectBackoff: false, takeOver: true };
      const acquired = await this.store.acquire(this.#probeKey, claim);
      if (acquired.kind === 'granted') await this.store.release(acquired.lease, { kind: 'unfilled' });
    } catch {
      // Told when it happened to a reader.
      this.#probeLater();
      return;
    }
    this.#probing = false;
    this.worked();
    this.onRecovered();
  }
}
