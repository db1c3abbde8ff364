/** Milliseconds for which a worker that handed a request back asks for no other in its place. */
const SHORTEST = 15;
/**
 * Tries after which each wait is longer. Where one worker in four knows the job, 99 of 100 requests have reached it
 * by then: it is busy.
 */
const SOON = 16;
const LONGEST = 1_000;
/** Milliseconds for which a request that was handed back may occupy a place of the worker. */
const LONGEST_HELD = 100;
/** Milliseconds between two requests that one worker hands back. Each takes Redis about thirty commands. */
const SPACING = 4;

export interface HandOverPlan {
  /** Milliseconds until this worker may have the request again. */
  readonly ms: number;
  /** Whether BullMQ keeps the request until then. Otherwise another worker may have it at once. */
  readonly delayed: boolean;
  /**
   * Whether to wake another worker. Idle workers wait in a line, and a request that comes back always wakes the first two
   * of it: the one that takes it, and one that finds nothing. Where their number is even, a worker could be the second one
   * each time. Waking one more by chance changes who comes first.
   */
  readonly wake: boolean;
}

/**
 * How a request is handed back whose job this worker does not know and another live worker does. Soon, so that it reaches
 * that one within two seconds where one worker in four knows it; but one worker hands back 250 a second at the most, so
 * that Redis has time for others.
 */
export class HandOver {
  #slot = Number.NEGATIVE_INFINITY;

  plan(tries: number, now = performance.now(), random = Math.random()): HandOverPlan {
    this.#slot = Math.max(this.#slot + SPACING, now);
    const ms = Math.min(LONGEST, SHORTEST * Math.max(1, tries - SOON)) + this.#slot - now;
    return { ms, delayed: ms > LONGEST_HELD, wake: random < 0.5 };
  }
}
