import { endedFirst } from './ended-first.js';

interface Flight<Result> {
  /** The turn in which the run began. */
  readonly beganAt: number;
  readonly run: Promise<Result>;
}

/**
 * Lets callers share a run that began after they came. For fetches without a store: a run that began earlier may be
 * older than a change that the caller knows of, and nothing can tell.
 */
export class LaterFlight<Result> {
  readonly #flights = new Map<string, Flight<Result>>();
  #turn = 0;

  /** Call it when the caller comes. */
  arrive(): number {
    return ++this.#turn;
  }

  /** The run for `id` that began before the arrival and has not ended. */
  earlier(id: string, arrival: number): Promise<Result> | undefined {
    const flight = this.#flights.get(id);
    return flight !== undefined && flight.beganAt < arrival ? flight.run : undefined;
  }

  /** Joins the run under way for `id`, or starts it. `ended` is called with the result of a run that was started here. */
  run(id: string, start: () => Promise<Result>, ended: (result: Result) => void): Promise<Result> {
    const joined = this.#flights.get(id);
    if (joined !== undefined) return joined.run;
    const beganAt = ++this.#turn;
    const end = (): void => {
      if (this.#flights.get(id) === flight) this.#flights.delete(id);
    };
    const flight = { beganAt, run: endedFirst(start(), end, ended) };
    this.#flights.set(id, flight);
    return flight.run;
  }
}
