import type { Clock } from '../core/ports.js';

/** The longest delay that `setTimeout` knows; anything above fires at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** How long one look at the clock is good for, in milliseconds, and for how many questions. */
const RESOLUTION = 1;
const MOST_USES = 8;

// As they are when the package is loaded: a test that replaces them later is to be believed at once.
const hostNow = Date.now;
const hostTimeout = setTimeout;

/**
 * The time and the timers of this process. Its timers do not keep the process alive.
 *
 * To look at the clock is nearly half of what a hit in memory costs, so under load one look serves the questions of a
 * millisecond. They are counted as well, because a loop that never lets a timer run would make time stand still.
 */
export class SystemClock implements Clock {
  #now = 0;
  #uses = 0;
  #forgetting = false;

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
    let remaining = ms;
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const delay = Math.min(remaining, LONGEST_TIMEOUT);
      remaining -= delay;
      timer = setTimeout(remaining > 0 ? wait : run, delay);
      timer.unref();
    };
    wait();
    return () => {
      clearTimeout(timer);
    };
  }

  defer(run: () => void): void {
    setImmediate(run);
  }

  #forgetSoon(): void {
    this.#forgetting = true;
    hostTimeout(() => {
      this.#forgetting = false;
      this.#uses = 0;
    }, RESOLUTION).unref();
  }
}
