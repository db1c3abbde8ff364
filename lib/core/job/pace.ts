import type { Clock } from '../ports.js';

/** Claiming or storing fifty keys in Redis takes a few milliseconds of computing. */
const KEYS_PER_TURN = 50;

/**
 * Lets fifty keys through in each turn of the event loop, in the order in which they came, so that an operation on
 * many keys leaves room for everything else that the process does.
 */
export class Pace {
  readonly #waiting: (() => void)[] = [];
  #passed = 0;

  constructor(private readonly clock: Clock) {}

  /** Undefined for a key that may go on at once. */
  pass(): Promise<void> | undefined {
    if (this.#passed === KEYS_PER_TURN) {
      return new Promise((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    if (this.#passed === 0) this.#awaitTurn();
    this.#passed++;
    return undefined;
  }

  #awaitTurn(): void {
    this.clock.defer(() => {
      const next = this.#waiting.splice(0, KEYS_PER_TURN);
      this.#passed = next.length;
      if (next.length > 0) this.#awaitTurn();
      for (const go of next) go();
    });
  }
}
