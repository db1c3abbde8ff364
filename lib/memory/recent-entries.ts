import { estimatedBytesOfEntry } from './estimated-bytes.js';
import type { StoredEntry } from './stored-entry.js';

export interface RecentEntriesOptions {
  readonly max: number;
  readonly maxBytes: number;
  /** Called with each entry that is removed or replaced. */
  readonly onRemove: (key: string, entry: StoredEntry) => void;
}

/**
 * At most `max` entries by key, of `maxBytes` bytes together as far as they can be estimated. When there is no room, the oldest entry goes, but an entry that was read since is
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

  /** What the entries take together, as far as it can be estimated. */
  bytes = 0;

  constructor(private readonly options: RecentEntriesOptions) {}

  get(key: string): StoredEntry | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined && !entry.used) entry.used = true;
    return entry;
  }

  /** Returns the entry without counting as a read. */
  peek(key: string): StoredEntry | undefined {
    return this.#entries.get(key);
  }

  /** False for an entry that is larger than `maxBytes`: the key is then without an entry. */
  set(key: string, entry: StoredEntry): boolean {
    const { max, maxBytes, onRemove } = this.options;
    if (entry.bytes === 0) entry.bytes = estimatedBytesOfEntry(key, entry.value);
    if (entry.bytes > maxBytes) {
      this.delete(key);
      return false;
    }
    const former = this.#entries.get(key);
    if (former === undefined) {
      if (this.#entries.size >= max) this.#dropOne();
    } else {
      entry.used = former.used;
      this.bytes -= former.bytes;
      onRemove(key, former);
    }
    this.#entries.set(key, entry);
    this.bytes += entry.bytes;
    while (this.bytes > maxBytes) this.#dropOne(key);
    return true;
  }

  /** A copy, so that changes during a walk do not disturb the walk. */
  keys(): readonly string[] {
    return [...this.#entries.keys()];
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.bytes -= entry.bytes;
    this.options.onRemove(key, entry);
  }

  clear(): void {
    this.#oldest = undefined;
    for (const key of this.keys()) this.delete(key);
  }

  #dropOne(spared?: string): void {
    while (this.#entries.size > 0) {
      // One iterator for all calls: a new one would have to skip the places of all removed entries.
      this.#oldest ??= this.#entries.entries();
      const { done, value } = this.#oldest.next();
      if (done === true) {
        this.#oldest = undefined;
        continue;
      }
      const [key, entry] = value;
      if (!entry.used && key !== spared) {
        this.delete(key);
        return;
      }
      entry.used = false;
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
  }
}
