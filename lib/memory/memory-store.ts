import { randomBytes } from 'node:crypto';

import { backingOff } from '../core/decide.js';
import type { Entry, Fill } from '../core/entry.js';
import type {
  Acquisition,
  Claim,
  Clock,
  CommitResult,
  Invalidation,
  KeyPage,
  Lease,
  LeaseEnding,
  ReleaseResult,
  Store,
  StoreCapabilities,
} from '../core/ports.js';
import { type HeldLease, isRemovedFor, isRevokedFor, Leases } from './leases.js';
import { RecentEntries } from './recent-entries.js';
import { SharedTerms } from './shared-terms.js';
import { entryLike, isGeneration, isServable, kept, StoredEntry, vacant } from './stored-entry.js';
import { TagIndex } from './tag-index.js';

/** What a `MemoryStore` is made of. */
export interface MemoryStoreOptions {
  /** Dates the entries. */
  readonly clock: Clock;
  /** How many entries are kept. Beyond that, entries that were not read for a while are dropped. Default: 10,000. */
  readonly max?: number;
  /** Bytes that the entries may take together, as far as they can be estimated. Default: 64 MB. */
  readonly maxBytes?: number;
  /** Called with the key of a value that is not kept because it alone takes more than `maxBytes`. Default: nothing. */
  readonly onTooLarge?: ((key: string) => void) | undefined;
}

const DEFAULT_MAX_BYTES = 64 * 1_024 ** 2;

/** Entries in this process. Every method returns a value and no promise, and is therefore atomic. */
export class MemoryStore implements Store {
  /** Other processes do not see the entries. */
  readonly capabilities: StoreCapabilities = { shared: false, fence: 'process' };

  readonly #clock: Clock;
  readonly #entries: RecentEntries;
  readonly #terms: SharedTerms;
  readonly #tags = new TagIndex();
  readonly #leases: Leases;
  readonly #epoch: number;
  readonly #onTooLarge: MemoryStoreOptions['onTooLarge'];

  constructor({ clock, max = 10_000, maxBytes = DEFAULT_MAX_BYTES, onTooLarge }: MemoryStoreOptions) {
    this.#clock = clock;
    this.#epoch = clock.now();
    // Several processes, each with a memory store, may share a refresh queue. Numbers alone would collide there.
    const instance = `${randomBytes(6).toString('base64url')}.`;
    this.#leases = new Leases(instance);
    this.#terms = new SharedTerms({ epoch: this.#epoch, generation: instance });
    this.#onTooLarge = onTooLarge;
    const onRemove = (key: string, entry: StoredEntry): void => {
      this.#tags.remove(key, entry.tags);
    };
    this.#entries = new RecentEntries({ max, maxBytes, onRemove });
  }

  /** Bytes that the entries take together, as far as they can be estimated. */
  get estimatedBytes(): number {
    return this.#entries.bytes;
  }

  now(): number {
    return this.#clock.now();
  }

  /** May return an entry past its grace: its reader compares it with the time anyway. */
  read(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  readMany(keys: readonly string[]): readonly (Entry | undefined)[] {
    return keys.map((key) => this.#entries.get(key));
  }

  /** The cursor is a place in the order of the keys. Costs a copy of the list of all keys. */
  browse(prefix: string, cursor: string, atLeast: number): KeyPage {
    const all = this.#entries.keys();
    const start = Number(cursor);
    const keys: string[] = [];
    let at = start;
    for (; at < all.length && keys.length < atLeast; at++) {
      const key = all[at] as string;
      if (key.startsWith(prefix)) keys.push(key);
    }
    return { keys, cursor: at < all.length ? String(at) : '', looked: at - start };
  }

  acquire(key: string, claim: Claim): Acquisition {
    const now = this.now();
    const stored = this.#entries.get(key);
    const entry = kept(stored, now);
    if (claim.generation !== undefined && !isGeneration(stored, claim.generation, now)) {
      return { kind: 'changed' };
    }
    const holder = this.#leases.of(key, now);
    if (holder !== undefined && !claim.takeOver) {
      return { kind: 'busy', token: holder.token, remaining: holder.expiresAt - now };
    }
    if (claim.respectBackoff && entry?.failure !== undefined && backingOff(entry, now)) {
      return { kind: 'backoff', remaining: entry.failure.retryAt - now };
    }
    const { token } = this.#leases.grant(key, claim.lease, now);
    return {
      kind: 'granted',
      lease: { key, token, grantedAt: now },
      failures: entry?.failure?.count ?? 0,
      previous: () => entry,
    };
  }

  renew(lease: Lease, ms: number): boolean {
    return this.#leases.renew(lease, ms, this.now());
  }

  commit(lease: Lease, fill: Fill): CommitResult {
    const held = this.#leases.heldBy(lease, this.now());
    if (held === undefined) return 'lost';
    this.#leases.end(lease.key);
    const isRevoked = isRevokedFor(held, fill.tags);
    if (isRevoked && !this.#mayReplace(held, lease.key, fill)) return 'revoked';
    this.#write(lease.key, fill, lease.grantedAt, held.serial);
    if (!isRevoked) return 'stored';
    this.#makeStale(lease.key);
    return 'stale';
  }

  release(lease: Lease, ending: LeaseEnding, tags: readonly string[] = []): ReleaseResult {
    const now = this.now();
    const held = this.#leases.heldBy(lease, now);
    if (held === undefined) return 'lost';
    this.#leases.end(lease.key);
    if (ending.kind === 'gone') this.#entries.delete(lease.key);
    if (ending.kind === 'failed') this.#fail(lease.key, ending.message, ending.retryIn, now);
    return isRevokedFor(held, tags) ? 'revoked' : 'held';
  }

  leaseRemaining(key: string): number | undefined {
    const now = this.now();
    const holder = this.#leases.of(key, now);
    return holder && holder.expiresAt - now;
  }

  set(key: string, fill: Fill): void {
    this.#leases.end(key);
    this.#write(key, fill, this.now(), this.#leases.nextSerial());
  }

  invalidate(key: string): Invalidation {
    const now = this.now();
    const holder = this.#leases.of(key, now);
    if (holder !== undefined) holder.revoked = true;
    const held = holder !== undefined;
    const entry = this.#entries.peek(key);
    if (!isServable(entry, now)) return { found: false, held, generation: '' };
    if (entry.kind === 'error') {
      this.#entries.delete(key);
      return { found: false, held, generation: '' };
    }
    this.#makeStale(key);
    return { found: true, held, generation: entry.generation, failure: entry.failure };
  }

  delete(key: string): boolean {
    this.#leases.end(key);
    const there = isServable(this.#entries.peek(key), this.now());
    this.#entries.delete(key);
    return there;
  }

  /** Stores an entry as another store holds it, and returns what is kept. */
  keep(key: string, entry: Entry, copyOnRead = entry.copyOnRead): Entry {
    const like = entryLike(entry, copyOnRead);
    this.#put(key, like);
    return like;
  }

  invalidateTags(tags: readonly string[]): void {
    this.#leases.revokeTags(tags, false);
    for (const key of this.#tags.keysOf(tags)) this.invalidate(key);
  }

  deleteTags(tags: readonly string[]): void {
    this.#leases.revokeTags(tags, true);
    for (const key of this.#tags.keysOf(tags)) this.delete(key);
  }

  /** Walks through all keys: an index by job would cost memory for each entry. */
  invalidateAll(prefix: string): void {
    this.#leases.revokeAll(prefix);
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.invalidate(key);
  }

  deleteAll(prefix: string): void {
    this.#leases.endAll(prefix);
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.delete(key);
  }

  clear(): void {
    this.#leases.clear();
    this.#entries.clear();
  }

  /** Drops every entry. */
  close(): void {
    this.clear();
  }

  /**
   * Whether a value whose lease was revoked moves its key on: only where an older value is there that an invalidation made
   * stale. Where a tag of it was removed, it would bring back what was removed.
   */
  #mayReplace(held: HeldLease, key: string, { kind, tags }: Fill): boolean {
    const older = this.#entries.peek(key);
    return !isRemovedFor(held, tags) && kind === 'value' && isServable(older, this.now()) && older.kind === 'value';
  }

  #makeStale(key: string): void {
    const entry = this.#entries.peek(key);
    // Strictly before now, so that a read in the same millisecond finds the entry stale.
    if (entry !== undefined) {
      this.#put(key, entry.under({ ttl: Math.min(entry.freshUntil, this.now() - 1) - entry.storedAt }));
    }
  }

  #write(key: string, fill: Fill, storedAt: number, serial: number): void {
    const terms = this.#terms.of(fill);
    if (storedAt + terms.keep <= this.now()) this.#entries.delete(key);
    else this.#put(key, new StoredEntry(fill.value, terms, storedAt - this.#epoch, serial));
  }

  #fail(key: string, message: string, retryIn: number, now: number): void {
    const entry = kept(this.#entries.peek(key), now) ?? vacant(now);
    const failure = { count: (entry.failure?.count ?? 0) + 1, message, at: now, retryAt: now + retryIn };
    // Kept beyond the next attempts, so that consecutive failures are counted as such.
    const keep = Math.max(entry.keepUntil, now + 2 * retryIn + 60_000) - entry.storedAt;
    this.#put(key, entry.under({ failure, keep }));
  }

  #put(key: string, entry: StoredEntry): void {
    if (this.#entries.set(key, entry)) this.#tags.add(key, entry.tags);
    else this.#onTooLarge?.(key);
  }
}
