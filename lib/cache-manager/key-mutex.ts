/** Runs operations on one key one after the other, in the order of the calls. */
export class KeyMutex {
  readonly #last = new Map<string, Promise<unknown>>();

  take<T>(key: string, run: () => Promise<T>): Promise<T> {
    const previous = this.#last.get(key);
    const turn = previous === undefined ? run() : previous.then(run, run);
    this.#last.set(key, turn);
    const forget = (): void => {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    };
    turn.then(forget, forget);
    return turn;
  }
}
