/** Who waits for the change of a key that another process fetches. */
export class EntryWatches {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** `changed` is called once. Returns a function that ends the watch. */
  add(key: string, changed: () => void): () => void {
    const waiting = this.#waiting.get(key) ?? new Set();
    waiting.add(changed);
    this.#waiting.set(key, waiting);
    return () => {
      if (waiting.delete(changed) && waiting.size === 0 && this.#waiting.get(key) === waiting) {
        this.#waiting.delete(key);
      }
    };
  }

  changed(key: string): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    this.#waiting.delete(key);
    for (const changed of waiting) changed();
  }

  /** Nobody knows what has changed. */
  allChanged(): void {
    for (const key of [...this.#waiting.keys()]) this.changed(key);
  }
}
