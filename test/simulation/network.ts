import type { Random } from './random.js';
import type { Owner, Scheduler } from './scheduler.js';

/** What is wrong at the moment between the processes and a server. */
export interface Weather {
  /** The server cannot be reached: it is silent, or refuses at once. */
  down: 'silent' | 'refusing' | undefined;
  slow: boolean;
  /** The probability that a message is lost. */
  loss: number;
}

/** Milliseconds after which a client learns that it will get no answer. */
const GIVES_UP = 1_500;

/** The connection of one process to a server. Each request and each answer is a message that takes time, or is lost. */
export class Link {
  cut = false;
  #lastRequest = 0;
  #lastAnswer = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly random: Random,
    private readonly weather: Weather,
    private readonly owner: Owner,
    private readonly inOrder: boolean,
  ) {}

  call<Result>(execute: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const { scheduler, owner } = this;
      if (this.weather.down === 'refusing') {
        scheduler.after(this.#latency(), () => reject(new Error('ECONNREFUSED')), owner);
        return;
      }
      const giveUp = (): void => {
        scheduler.after(GIVES_UP, () => reject(new Error('ECONNRESET')), owner);
      };
      if (this.#loses()) {
        giveUp();
        return;
      }
      const arrival = this.#arrival(this.#lastRequest);
      this.#lastRequest = arrival;
      scheduler.quietly(
        arrival - scheduler.now,
        () => {
          if (this.weather.down !== undefined || this.cut) {
            giveUp();
            return;
          }
          const result = execute();
          if (this.#loses()) {
            giveUp();
            return;
          }
          const back = this.#arrival(this.#lastAnswer);
          this.#lastAnswer = back;
          scheduler.after(back - scheduler.now, () => resolve(result), owner, this.inOrder ? 0.5 : this.random.next());
        },
        this.inOrder ? 0.5 : this.random.next(),
      );
    });
  }

  #loses(): boolean {
    return (
      this.cut || this.weather.down !== undefined || (this.weather.loss > 0 && this.random.chance(this.weather.loss))
    );
  }

  #arrival(last: number): number {
    const arrival = this.scheduler.now + this.#latency();
    return this.inOrder ? Math.max(last, arrival) : arrival;
  }

  #latency(): number {
    return this.weather.slow ? this.random.between(40, 900) : this.random.between(1, 20);
  }
}

/** Milliseconds that a request and its answer take at most while nothing is slow. */
export const ROUND_TRIP = 40;
