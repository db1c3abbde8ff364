import type { Clock } from '../core/ports.js';

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/**
 * A clock that stands still until a test advances it.
 *
 * ```ts
 * const clock = new ManualClock();
 * clock.schedule(1_000, () => { … });
 * await clock.advance(1_000);          // the timer ran, and the promises it settled are settled
 * ```
 */
export class ManualClock implements Clock {
  #now: number;
  #deferred = 0;
  /** In the order in which they were scheduled, which decides between timers of the same instant. */
  readonly #timers = new Set<Timer>();

  constructor(start: Date | number = Date.UTC(2026, 0, 1, 14)) {
    this.#now = Number(start);
  }

  now(): number {
    return this.#now;
  }

  schedule(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), run };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  defer(run: () => void): void {
    this.#deferred += 1;
    setImmediate(() => {
      this.#deferred -= 1;
      run();
    });
  }

  /**
   * Lets `ms` milliseconds pass. It stops at each timer that falls due, and runs it with everything that follows.
   * `advance(0)` runs what is due now. Resolves when nothing more happens without time passing.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.#settle();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await this.#settle();
    }
    // A timer may have advanced the clock itself.
    this.#now = Math.max(this.#now, until);
    await this.#settle();
  }

  #next(until: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }

  /** One turn of the event loop runs all promise reactions. Deferred work may need more turns. */
  async #settle(): Promise<void> {
    do {
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (this.#deferred > 0);
  }
}
