import type { StoredEntry } from './stored-entry.js';

/**
 * At most `max` entries by key. When there is no room, the oldest entry goes, but an entry that was read since is
 * spared once and counts as new again ("second chance"). That is nearly as good as dropping the least recently used
 * entry. A read costs setting a flag, where a list in the order of use would cost more time than the look-up itself,
 * and memory for its links.
 */
export class RecentEntries {
  readonly #entries = new Map<string, StoredEntry>();
  /**
   * Iterates from the oldest entry on. Created when it is first needed, because an iterator keeps former tables of the
   * Map alive.
   */
  #oldest: MapIterator<[string, StoredEntry]> | undefined;

  constructor(
    private readonly max: number,
    /** Called with each entry that is removed or replaced. */
    private readonly onRemove: (key: string, entry: StoredEntry) => void,
  ) {}

  get(key: string): StoredEntry | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.used = true;
    return entry;
  }

  /** Returns the entry without counting as a read. */
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

  /** A copy, so that changes during a walk do not disturb the walk. */
  keys(): readonly string[] {
    return [...this.#entries.keys()];
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.onRemove(key, entry);
  }

  clear(): void {
    this.#oldest = undefined;
    for (const key of this.keys()) this.delete(key);
  }

  #dropOne(): void {
    while (this.#entries.size > 0) {
      // One iterator for all calls: a new one would have to skip the places of all removed entries.
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
