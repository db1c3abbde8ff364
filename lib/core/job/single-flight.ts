/** Lets callers that want the same result at the same time share one run. */
export class SingleFlight<Result> {
  readonly #flights = new Map<string, Promise<Result>>();

  /** The running flight for `id`, if there is one. */
  get(id: string): Promise<Result> | undefined {
    return this.#flights.get(id);
  }

  /** Joins the running flight for `id`, or starts one. A failure reaches all that joined. */
  run(id: string, start: () => Promise<Result>): Promise<Result> {
    const joined = this.#flights.get(id);
    if (joined !== undefined) return joined;
    const flight = start();
    this.#flights.set(id, flight);
    // Registered first, so that a caller that goes on from the result does not find the flight running.
    const end = (): void => {
      // Only this flight is removed: a later one may have the same id.
      if (this.#flights.get(id) === flight) this.#flights.delete(id);
    };
    flight.then(end, end);
    return flight;
  }
}
