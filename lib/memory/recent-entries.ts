import type { StoredEntry } from './stored-entry.js';

/**
 * Entries by key, at most `max`. When another one comes, the oldest goes, except that what was read is spared once and
 * counts as new again ("second chance"). Nearly as good as dropping the least recently used one, but a read costs a flag,
 * where a list in the order of use costs more time than the look-up itself, and the memory for its links.
 */
export class RecentEntries {
  readonly #entries = new Map<string, StoredEntry>();
  /** From the oldest on. Undefined until it is needed: an iterator keeps alive what the Map has grown out of. */
  #oldest: MapIterator<[string, StoredEntry]> | undefined;

  constructor(
    private readonly max: number,
    /** Told of each entry that goes or is replaced. */
    private readonly onRemove: (key: string, entry: StoredEntry) => void,
  ) {}

  get(key: string): StoredEntry | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.used = true;
    return entry;
  }

  /** Without counting as a read. */
  peek(key: string): StoredEntry | undefined {
    return this.#entries.get(key);
  }

  set(key: string, entry: StoredEntry): void {
    const former = this.#entries.get(key);
    if (former === undefined) {
      if (this.#entries.size >= this.max) this.#dropOne();
    } else {
      entry.used = former.used;
      this.onRemove(key, former);
    }
    this.#entries.set(key, entry);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.onRemove(key, entry);
  }

  clear(): void {
    this.#oldest = undefined;
    for (const key of [...this.#entries.keys()]) this.delete(key);
  }

  #dropOne(): void {
    while (this.#entries.size > 0) {
      // One iterator for all: each new one would have to pass the places of all that went before.
      this.#oldest ??= this.#entries.entries();
      const { done, value } = this.#oldest.next();
      if (done === true) {
        this.#oldest = undefined;
        continue;
      }
      const [key, entry] = value;
      if (!entry.used) {
        this.delete(key);
        return;
      }
      entry.used = false;
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
  }
}
