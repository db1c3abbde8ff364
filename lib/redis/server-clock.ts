/** How much the two clocks may drift apart, as a fraction: ten times what a crystal does. */
const DRIFT = 0.0005;

/** After this long a sample should be replaced, if nothing else brought one. */
const OLD = 30_000;

interface Sample {
  readonly offset: number;
  /** Half of the round trip: how far off the offset may be. */
  readonly error: number;
  readonly takenAt: number;
}

/**
 * The server's time, kept on this process's monotonic clock: what the host believes the date to be does not matter,
 * and neither does its being corrected.
 */
export class ServerClock {
  #best: Sample | undefined;

  get known(): boolean {
    return this.#best !== undefined;
  }

  get old(): boolean {
    return this.#best === undefined || performance.now() - this.#best.takenAt > OLD;
  }

  /** Milliseconds since the epoch, or undefined before the first answer of the server. */
  now(): number | undefined {
    return this.#best && performance.now() + this.#best.offset;
  }

  /** The server said `serverTime` between `sentAt` and now. */
  learn(sentAt: number, serverTime: number): void {
    const takenAt = performance.now();
    const error = (takenAt - sentAt) / 2;
    const offset = serverTime - takenAt + error;
    const best = this.#best;
    if (best !== undefined) {
      const bestError = best.error + (takenAt - best.takenAt) * DRIFT;
      // A busy event loop makes long round trips, which say little. But what contradicts the best sample replaces it:
      // the server's clock was set, or it is another server.
      if (error > bestError && Math.abs(offset - best.offset) <= error + bestError) return;
    }
    this.#best = { offset, error, takenAt };
  }
}
