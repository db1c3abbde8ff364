/** Milliseconds for which a worker that handed a request back asks for no other in its place. */
const SHORTEST = 15;
/**
 * Tries after which each wait is longer. Where one worker in four knows the job, 99 of 100 requests have reached it
 * by then: it is busy.
 */
const SOON = 16;
const LONGEST = 1_000;
/** Milliseconds between two requests that one worker hands back. Each takes Redis about thirty commands. */
const SPACING = 4;

/**
 * When a request comes back whose job this worker does not know and another live worker does. Soon, so that it reaches
 * that one within two seconds where one worker in four knows it; but one worker hands back 250 a second at the most, so
 * that Redis has time for others.
 */
export class HandOver {
  #slot = Number.NEGATIVE_INFINITY;

  /** Milliseconds until a request that was tried so often may be tried again. */
  delay(tries: number, now = performance.now()): number {
    const wait = Math.min(LONGEST, SHORTEST * Math.max(1, tries - SOON));
    this.#slot = Math.max(this.#slot + SPACING, now);
    return wait + this.#slot - now;
  }
}
