import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../core/ports.js';

/** The longest delay of `setTimeout`. A longer one would fire at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** How many milliseconds, and how many calls, one reading of the clock serves. */
const RESOLUTION = 1;
const MOST_USES = 8;

// The functions at the time when the package was loaded. A test that replaces them later is noticed, and believed at
// once.
const hostNow = Date.now;
const hostTimeout = setTimeout;

/**
 * The time and the timers of this process. Its timers do not keep the process alive.
 *
 * Reading the clock is nearly half of the cost of a hit in memory, so under load one reading serves all calls of a
 * millisecond. The calls are counted as well: in a loop that never lets a timer run, time would otherwise stand still.
 */
export class SystemClock implements Clock {
  #now = 0;
  #uses = 0;
  #forgetting = false;
  /**
   * Runs a function in the async context in which the clock was made, so that what runs later belongs to no reader's
   * request.
   */
  readonly #outsideOfReads = AsyncLocalStorage.snapshot();

  now(): number {
    if (Date.now !== hostNow) {
      this.#uses = 0;
      return Date.now();
    }
    if (this.#uses > 0) {
      this.#uses--;
      return this.#now;
    }
    this.#now = hostNow();
    this.#uses = MOST_USES;
    if (!this.#forgetting) this.#forgetSoon();
    return this.#now;
  }

  schedule(ms: number, run: () => void): () => void {
    if (ms > LONGEST_TIMEOUT) return this.#scheduleFar(ms, run);
    const timer = setTimeout(this.#outsideOfReads, ms, run);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  }

  defer(run: () => void): void {
    setImmediate(this.#outsideOfReads, run);
  }

  #scheduleFar(ms: number, run: () => void): () => void {
    let cancel = this.schedule(LONGEST_TIMEOUT, () => {
      cancel = this.schedule(ms - LONGEST_TIMEOUT, run);
    });
    return () => {
      cancel();
    };
  }

  #forgetSoon(): void {
    this.#forgetting = true;
    hostTimeout(() => {
      this.#forgetting = false;
      this.#uses = 0;
    }, RESOLUTION).unref();
  }
}
