import type { Clock } from '../ports.js';

/**
 * The deadline of one fetch. Its signal is made when the fetch first asks for it: a controller with a listener costs more
 * than the rest of a fill in memory, and most fetches use none.
 */
export class FetchDeadline {
  /** Rejects when the deadline has passed. */
  readonly passed: Promise<never>;
  /** Call it when the fetch has ended. */
  readonly cancel: () => void;
  #controller: AbortController | undefined;
  #error: Error | undefined;

  constructor(clock: Clock, ms: number, errorOf: () => Error) {
    let reject: (error: Error) => void = () => undefined;
    this.passed = new Promise<never>((_, rejected) => {
      reject = rejected;
    });
    this.cancel = clock.schedule(ms, () => {
      this.#error = errorOf();
      // First, so that what the fetch makes of its signal does not hide the reason.
      reject(this.#error);
      this.#controller?.abort(this.#error);
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
