import type { Clock } from './ports.js';

/** Something that has to be over in time. */
export interface Timed {
  /** It is over: nothing expires any more. */
  settled: boolean;
  expire(): void;
}

/** Deadlines that are all equally far away, so that one timer serves them in order: a timer each would cost a hit's tenth. */
export class Deadlines {
  readonly #waiting: { readonly timed: Timed; readonly at: number }[] = [];
  #ticking = false;

  constructor(
    /** Milliseconds. */
    private readonly timeout: number,
    private readonly clock: Clock,
  ) {}

  start(timed: Timed): void {
    this.#waiting.push({ timed, at: this.clock.now() + this.timeout });
    if (!this.#ticking) this.#tickIn(this.timeout);
  }

  #tickIn(ms: number): void {
    this.#ticking = true;
    this.clock.schedule(ms, () => {
      // A busy event loop is no dead store: the answer may be waiting in the socket, so it is given a turn to be read.
      this.clock.defer(() => {
        this.clock.defer(() => {
          this.#tick();
        });
      });
    });
  }

  #tick(): void {
    const now = this.clock.now();
    const pending = this.#waiting.findIndex(({ timed, at }) => !timed.settled && at > now);
    const over = this.#waiting.splice(0, pending === -1 ? this.#waiting.length : pending);
    for (const { timed } of over) if (!timed.settled) timed.expire();
    const [next] = this.#waiting;
    this.#ticking = false;
    if (next !== undefined) this.#tickIn(next.at - now);
  }
}
