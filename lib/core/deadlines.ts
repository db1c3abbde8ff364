import type { Clock } from './ports.js';

/** Something that has to be over in time. */
export interface Timed {
  readonly at: number;
  readonly expire: () => void;
}

/**
 * Deadlines that are all equally far away, so that one timer serves them in order. A timer each would cost a tenth of a
 * read; and so would keeping what is over until its time comes.
 */
export class Deadlines {
  /** In the order of their time. */
  readonly #waiting = new Set<Timed>();
  #ticking = false;

  constructor(
    /** Milliseconds. */
    private readonly timeout: number,
    private readonly clock: Clock,
  ) {}

  /** Calls `expire` when the time is over, unless `end` is called before. */
  start(expire: () => void): Timed {
    const timed = { at: this.clock.now() + this.timeout, expire };
    this.#waiting.add(timed);
    if (!this.#ticking) this.#tickIn(this.timeout);
    return timed;
  }

  /** False: its time was over already. */
  end(timed: Timed): boolean {
    return this.#waiting.delete(timed);
  }

  #tickIn(ms: number): void {
    this.#ticking = true;
    this.clock.schedule(ms, () => {
      // A busy event loop is no dead store: the answer may be waiting in the socket, so it is given a turn to be read.
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
      timed.expire();
    }
  }
}
