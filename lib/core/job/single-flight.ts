import { endedFirst } from './ended-first.js';

/**
 * A run under way, until it has ended. The result is dropped then, and not only removed from the map: when V8 replaces the
 * table of a Map, the old table points to the new one, so once one table is old enough to wait for a full collection, each
 * later one waits with it, with all that was in it. Under load that was most of what fetches allocate.
 */
interface Flight<Result> {
  result: Promise<Result> | undefined;
}

/** Lets callers that want the same result at the same time share one run. */
export class SingleFlight<Result> {
  readonly #flights = new Map<string, Flight<Result>>();

  /** The running flight for `id`, if there is one. */
  get(id: string): Promise<Result> | undefined {
    return this.#flights.get(id)?.result;
  }

  /**
   * Joins the running flight for `id`, or starts one. A failure reaches all that joined. `ended` is called once, with the
   * result of a flight that was started here.
   */
  run(id: string, start: () => Promise<Result>, ended?: (result: Result) => void): Promise<Result> {
    const joined = this.get(id);
    if (joined !== undefined) return joined;
    const flight: Flight<Result> = { result: undefined };
    const end = (): void => {
      flight.result = undefined;
      // Only this flight is removed: a later one may have the same id.
      if (this.#flights.get(id) === flight) this.#flights.delete(id);
    };
    flight.result = endedFirst(start(), end, ended);
    this.#flights.set(id, flight);
    return flight.result;
  }
}
