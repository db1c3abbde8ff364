/** How fast the two clocks may drift apart, as a fraction: ten times the drift of a quartz clock. */
const DRIFT = 0.0005;

/**
 * Milliseconds after which a sample should be replaced if no other command has brought a new one: the server may have set
 * its clock since.
 */
const OLD = 5_000;

interface Sample {
  readonly offset: number;
  /** Half of the round trip: by how much the offset may be wrong. */
  readonly error: number;
  readonly takenAt: number;
}

/**
 * The server's time, kept on the monotonic clock of this process. So neither the host's date nor a correction of it
 * matters.
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

  /** Records that the server's time was `serverTime` at some point between `sentAt` and now. */
  learn(sentAt: number, serverTime: number): void {
    const takenAt = performance.now();
    const error = (takenAt - sentAt) / 2;
    const offset = serverTime - takenAt + error;
    const best = this.#best;
    if (best !== undefined) {
      const bestError = best.error + (takenAt - best.takenAt) * DRIFT;
      // A busy event loop makes long round trips, which say little. A sample that contradicts the best one replaces it
      // all the same: the server's clock was set, or it is another server.
      if (error > bestError && Math.abs(offset - best.offset) <= error + bestError) return;
    }
    this.#best = { offset, error, takenAt };
  }
}
