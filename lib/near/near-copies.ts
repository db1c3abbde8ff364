import { type Entry, type Fill, servableUntil } from '../core/entry.js';
import { freezeShareable } from '../core/value/freeze.js';
import type { ValueTypes } from '../core/value/value-types.js';
import type { ChangeFeed, Lease } from '../core/ports.js';
import type { MemoryStore } from '../memory/memory-store.js';

/** A load or a fill that is under way. Its result must not be kept if the key changes meanwhile. */
export interface Underway {
  readonly key: string;
  changed: boolean;
}

export interface NearCopiesOptions {
  readonly store: MemoryStore;
  readonly feed: ChangeFeed | undefined;
  readonly max: number;
  readonly valueTypes: ValueTypes;
  /** Milliseconds for which a copy is used while nothing confirms that it is still right. */
  readonly age: number;
}

/** Copies of a shared store's entries, and whether they can be trusted. */
export class NearCopies {
  readonly #underway = new Set<Underway>();
  /** When each copy was taken. Needed only while no live feed vouches for the copies. */
  readonly #takenAt = new Map<string, number>();

  constructor(private readonly options: NearCopiesOptions) {}

  /** A copy that is as good as the entry itself. */
  trusted(key: string): Entry | undefined {
    const { feed, store } = this.options;
    if (feed !== undefined) return feed.live ? store.read(key) : undefined;
    return this.usable(key, this.#takenAt.get(key) ?? 0);
  }

  /** A copy that was right at `since` or was made later, and is not older than `age`. */
  usable(key: string, since: number): Entry | undefined {
    const { store, age } = this.options;
    const copy = store.read(key);
    if (copy === undefined) return undefined;
    return store.now() - Math.max(since, copy.storedAt) <= age ? copy : undefined;
  }

  /** Call it before the request is sent: the report of a change may arrive before the answer that it makes outdated. */
  begin(key: string): Underway {
    const underway = { key, changed: false };
    this.#underway.add(underway);
    return underway;
  }

  end(underway: Underway): void {
    this.#underway.delete(underway);
  }

  /** Copies an entry, unless it changed while it was under way. Undefined when no copy was made. */
  keep({ key, changed }: Underway, entry: Entry): Entry | undefined {
    const { feed, store } = this.options;
    if (changed || feed?.live === false) return undefined;
    // The shared store may have removed an expired entry already, and will then report no change of it.
    if (entry.kind !== 'vacant' && store.now() > servableUntil(entry)) return undefined;
    const copy = store.keep(key, entry, entry.copyOnRead || !freezeShareable(entry.value, this.options.valueTypes));
    if (feed === undefined) this.#rememberTaking(key);
    return copy;
  }

  /** Drops the copy of an entry that has changed or may have changed. */
  forget(key: string): void {
    for (const underway of this.#underway) if (underway.key === key) underway.changed = true;
    this.#drop(key);
  }

  forgetTagged(tags: readonly string[]): void {
    // Every load under way is affected, because only its result will say which tags the entry has.
    for (const underway of this.#underway) underway.changed = true;
    this.options.store.deleteTags(tags);
  }

  forgetAll(): void {
    for (const underway of this.#underway) underway.changed = true;
    this.#takenAt.clear();
    this.options.store.clear();
  }

  #rememberTaking(key: string): void {
    this.#takenAt.delete(key);
    this.#takenAt.set(key, this.options.store.now());
    if (this.#takenAt.size <= this.options.max) return;
    const [oldest] = this.#takenAt.keys();
    if (oldest !== undefined) this.#drop(oldest);
  }

  #drop(key: string): void {
    this.#takenAt.delete(key);
    this.options.store.delete(key);
  }
}

/** The entry as the shared store holds it after a commit. */
export function filledEntry(lease: Lease, { kind, value, copyOnRead, inheritedAge, ttl, grace, tags }: Fill): Entry {
  const { grantedAt: storedAt, token: generation } = lease;
  const graceful = kind === 'error' ? 0 : grace;
  const freshUntil = storedAt + ttl;
  return { kind, value, copyOnRead, storedAt, inheritedAge, freshUntil, grace: graceful, generation, tags };
}
