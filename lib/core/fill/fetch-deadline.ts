import type { Clock } from '../ports.js';

/**
 * The deadline of one fetch. Its signal is made when the fetch first asks for it: a controller with a listener costs more
 * than the rest of a fill in memory, and most fetches use none.
 */
export class FetchDeadline {
  /** Call it when the fetch has ended. */
  readonly cancel: () => void;
  #reject: (error: Error) => void = () => undefined;
  #controller: AbortController | undefined;
  #error: Error | undefined;

  constructor(clock: Clock, ms: number, errorOf: () => Error) {
    this.cancel = clock.schedule(ms, () => {
      this.#error = errorOf();
      // First, so that what the fetch makes of its signal does not hide the reason.
      this.#reject(this.#error);
      this.#controller?.abort(this.#error);
    });
  }

  /** Settles as the fetch does, or rejects when the deadline has passed. */
  within<Result>(fetch: () => Promise<Result>): Promise<Result> {
    // One promise. `Promise.race` would make five for each fetch.
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      fetch().then(resolve, reject);
    });
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#error !== undefined) this.#controller.abort(this.#error);
    }
    return this.#controller.signal;
  }
}
