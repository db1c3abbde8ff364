/** Lets callers that want the same thing at the same time share one run of it. */
export class SingleFlight<Result> {
  readonly #flights = new Map<string, Promise<Result>>();

  /** The run under way for `id`, if there is one. */
  get(id: string): Promise<Result> | undefined {
    return this.#flights.get(id);
  }

  /** Joins the run under way for `id`, or starts it. A failure reaches all who joined. */
  run(id: string, start: () => Promise<Result>): Promise<Result> {
    const joined = this.#flights.get(id);
    if (joined !== undefined) return joined;
    const flight = start();
    this.#flights.set(id, flight);
    // The first to be told of the end, so that whoever goes on from it does not find it under way.
    const end = (): void => {
      // Only this very flight: a later one may have the same id.
      if (this.#flights.get(id) === flight) this.#flights.delete(id);
    };
    flight.then(end, end);
    return flight;
  }
}
