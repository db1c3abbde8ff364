import { type Entry, type Fill, servableUntil } from '../core/entry.js';
import { freezePortable } from '../core/portable.js';
import type { ChangeFeed, Lease } from '../core/ports.js';
import type { MemoryStore } from './memory-store.js';

/** A load or a fill under way, whose result must not be kept if the key changes meanwhile. */
export interface Underway {
  readonly key: string;
  changed: boolean;
}

export interface NearCopiesOptions {
  readonly store: MemoryStore;
  readonly feed: ChangeFeed | undefined;
  readonly max: number;
  /** Milliseconds that a copy is used while nobody can say whether it is still right. */
  readonly age: number;
}

/** Copies of a shared store's entries, and whether they can still be trusted. */
export class NearCopies {
  readonly #underway = new Set<Underway>();
  /** When copies were taken; only needed where no feed says that they are right. */
  readonly #takenAt = new Map<string, number>();

  constructor(private readonly options: NearCopiesOptions) {}

  /** A copy that is as good as the entry. */
  trusted(key: string): Entry | undefined {
    const { feed, store } = this.options;
    if (feed !== undefined) return feed.live ? store.read(key) : undefined;
    return this.usable(key, this.#takenAt.get(key) ?? 0);
  }

  /** A copy that was right at `since`, or has been made later, and is not older than it may be. */
  usable(key: string, since: number): Entry | undefined {
    const { store, age } = this.options;
    const copy = store.read(key);
    if (copy === undefined) return undefined;
    return store.now() - Math.max(since, copy.storedAt) <= age ? copy : undefined;
  }

  /** To be called before the question is sent: the news may come before the answer that it outdates. */
  begin(key: string): Underway {
    const underway = { key, changed: false };
    this.#underway.add(underway);
    return underway;
  }

  end(underway: Underway): void {
    this.#underway.delete(underway);
  }

  /** Copies an entry, unless it changed while it was under way. Undefined: there is no copy. */
  keep({ key, changed }: Underway, entry: Entry): Entry | undefined {
    const { feed, store } = this.options;
    if (changed || feed?.live === false) return undefined;
    // Of what is over the shared store may have nothing, and then nothing to tell.
    if (entry.kind !== 'vacant' && store.now() > servableUntil(entry)) return undefined;
    const copy = store.keep(key, entry, entry.copyOnRead || !freezePortable(entry.value));
    if (feed === undefined) this.#rememberTaking(key);
    return copy;
  }

  /** The entry has changed, or may have. */
  forget(key: string): void {
    for (const underway of this.#underway) if (underway.key === key) underway.changed = true;
    this.#drop(key);
  }

  forgetTagged(tags: readonly string[]): void {
    // Only what is loaded will say which tags it has.
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

/** What a shared store holds after a commit. */
export function filledEntry(lease: Lease, { kind, value, copyOnRead, ttl, grace, tags }: Fill): Entry {
  const { grantedAt: storedAt, token: generation } = lease;
  const graceful = kind === 'error' ? 0 : grace;
  return { kind, value, copyOnRead, storedAt, freshUntil: storedAt + ttl, grace: graceful, generation, tags };
}
