import type { Clock } from '../ports.js';

/** An operation with a deadline. */
export interface Timed {
  readonly at: number;
  /** Dropped when the operation has ended, as the results of `SingleFlight` are, and for the same reason. */
  expire: (() => void) | undefined;
}

/**
 * Deadlines that are all the same time away, so that one timer serves them in order. A timer for each would cost a
 * tenth of a read, and so would keeping finished operations until their deadline.
 */
export class Deadlines {
  /** In the order of their deadlines. */
  readonly #waiting = new Set<Timed>();
  #ticking = false;

  constructor(
    /** Milliseconds. */
    private readonly timeout: number,
    private readonly clock: Clock,
  ) {}

  /** Calls `expire` at the deadline, unless `end` is called before. */
  start(expire: () => void): Timed {
    const timed = { at: this.clock.now() + this.timeout, expire };
    this.#waiting.add(timed);
    if (!this.#ticking) this.#tickIn(this.timeout);
    return timed;
  }

  /** False when the deadline had passed already. */
  end(timed: Timed): boolean {
    timed.expire = undefined;
    return this.#waiting.delete(timed);
  }

  #tickIn(ms: number): void {
    this.#ticking = true;
    this.clock.schedule(ms, () => {
      // A busy event loop is not a dead store: the answer may be waiting in the socket, so it gets a turn to be read.
      this.clock.defer(() => {
        this.clock.defer(() => {
          this.#tick();
        });
      });
    });
  }

  #tick(): void {
    const now = this.clock.now();
    this.#ticking = false;
    for (const timed of this.#waiting) {
      if (timed.at > now) {
        this.#tickIn(timed.at - now);
        return;
      }
      this.#waiting.delete(timed);
      timed.expire?.();
    }
  }
}
