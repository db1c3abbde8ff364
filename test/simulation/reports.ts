import type { CacheEvent } from '../../lib/core/events.js';
import { OriginError } from './origin.js';
import type { SimProcess } from './process.js';
import type { World } from './world.js';

/** Everything that one process reported of its reads and failures: each exactly once. */
export class Reports {
  /** Keys that were read. */
  reads = 0;
  /** Failed fetches that ended when nothing waited for them any more. */
  readonly unheard = new Set<number>();
  #readEvents = 0;
  /** How often each failed fetch was reported or given to a caller. */
  readonly #reported = new Map<number, number>();
  readonly #given = new Set<number>();
  /** Failures of the store, and how often each was reported. */
  readonly #storeErrors = new Map<unknown, number>();

  constructor(
    private readonly world: World,
    private readonly of: SimProcess,
  ) {}

  /** The store has failed with this error, so it must be reported. */
  expect(error: unknown): void {
    this.#storeErrors.set(error, 0);
  }

  observe(event: CacheEvent): void {
    if (this.of.dead) return;
    if (event.type === 'hit' || event.type === 'stale' || event.type === 'miss') {
      this.#readEvents++;
      if (event.type === 'miss') this.gave(event.error);
    } else if (event.type === 'refresh-failed') {
      const number = OriginError.numberOf(event.error);
      if (number !== undefined) this.#reported.set(number, (this.#reported.get(number) ?? 0) + 1);
    } else if (event.type === 'store-failed') {
      const times = this.#storeErrors.get(event.error);
      if (times !== undefined) this.#storeErrors.set(event.error, times + 1);
    }
  }

  /** A caller got the error of a fetch. */
  gave(error: unknown): void {
    const number = OriginError.numberOf(error);
    if (number !== undefined) this.#given.add(number);
  }

  /** At the end: every failure was reported once, and every read has ended once. */
  check(): void {
    this.world.origin.failures.forEach((by, number) => {
      if (by !== this.of) return;
      const times = this.#reported.get(number) ?? 0;
      if (times > 1) this.world.violate('I7', `${this.of.name} reported failure #${number} ${times} times`);
      if (times === 0 && !this.#given.has(number) && !this.unheard.has(number)) {
        this.world.violate('I7', `${this.of.name} told nobody of failure #${number}`);
      }
    });
    for (const [error, times] of this.#storeErrors) {
      // A process with copies also asks the store on its own account, and reports no failures of that.
      if (times > 1 || (times === 0 && this.of.feed === undefined))
        this.world.violate('I7', `${this.of.name} reported ${times} times: ${String(error)}`);
    }
    if (this.reads !== this.#readEvents) {
      this.world.violate('I7', `${this.of.name} told of ${this.#readEvents} ends of ${this.reads} reads`);
    }
  }
}
