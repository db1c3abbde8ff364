import { randomBytes } from 'node:crypto';

import { backingOff } from '../core/decide.js';
import type { Entry, Fill } from '../core/entry.js';
import type {
  Acquisition,
  Claim,
  Clock,
  CommitResult,
  Invalidation,
  Lease,
  LeaseEnding,
  Store,
  StoreCapabilities,
} from '../core/ports.js';
import { RecentEntries } from './recent-entries.js';
import { entryLike, isGeneration, isServable, kept, StoredEntry, type Terms, vacant } from './stored-entry.js';
import { TagIndex } from './tag-index.js';

export interface MemoryStoreOptions {
  readonly clock: Clock;
  /** How many entries are kept; those go that were not read for a while. Default: 10,000. */
  readonly max?: number;
}

/** How many different terms are remembered: jobs have a few, unless each value has a ttl of its own. */
const MOST_TERMS = 1_000;

interface HeldLease {
  readonly token: string;
  /** The number in the token, which will be the entry's. */
  readonly serial: number;
  expiresAt: number;
  /** Invalidated meanwhile. The slot stays taken all the same, so that at most one fetch of a key runs. */
  revoked: boolean;
  /**
   * Tags invalidated since the grant: only the commit knows which ones the value has. Kept here and not as an instant
   * by tag, because a millisecond is too coarse to tell before from after, and so that it all goes with the lease.
   */
  revokedTags: Set<string> | undefined;
}

/** Entries in this process. Every method answers without a promise, and so is atomic. */
export class MemoryStore implements Store {
  readonly capabilities: StoreCapabilities = { shared: false, fence: 'process' };

  readonly #clock: Clock;
  readonly #entries: RecentEntries;
  readonly #terms = new Map<string, Terms>();
  readonly #tags = new TagIndex();
  /** In the order of granting and renewal. */
  readonly #leases = new Map<string, HeldLease>();
  /** Several processes with a store of their own may share a refresh queue, so that numbers alone could collide. */
  readonly #instance = `${randomBytes(6).toString('base64url')}.`;
  readonly #epoch: number;
  #serial = 0;

  constructor({ clock, max = 10_000 }: MemoryStoreOptions) {
    this.#clock = clock;
    this.#epoch = clock.now();
    this.#entries = new RecentEntries(max, (key, entry) => {
      this.#tags.remove(key, entry.tags);
    });
  }

  now(): number {
    return this.#clock.now();
  }

  /** May answer an entry past its grace: whoever serves it compares it with the time anyway, once is enough. */
  read(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  readMany(keys: readonly string[]): readonly (Entry | undefined)[] {
    return keys.map((key) => this.#entries.get(key));
  }

  acquire(key: string, claim: Claim): Acquisition {
    const now = this.now();
    const stored = this.#entries.get(key);
    const entry = kept(stored, now);
    if (claim.generation !== undefined && !isGeneration(stored, claim.generation, now)) {
      return { kind: 'changed' };
    }
    const holder = this.#holder(key, now);
    if (holder !== undefined && !claim.takeOver) {
      return { kind: 'busy', token: holder.token, remaining: holder.expiresAt - now };
    }
    if (claim.respectBackoff && entry?.failure !== undefined && backingOff(entry, now)) {
      return { kind: 'backoff', remaining: entry.failure.retryAt - now };
    }
    this.#forgetExpiredLeases(now);
    const serial = ++this.#serial;
    const token = `${this.#instance}${serial.toString(36)}`;
    this.#leases.delete(key);
    this.#leases.set(key, { token, serial, expiresAt: now + claim.lease, revoked: false, revokedTags: undefined });
    return {
      kind: 'granted',
      lease: { key, token, grantedAt: now },
      failures: entry?.failure?.count ?? 0,
      previous: () => entry,
    };
  }

  renew(lease: Lease, ms: number): boolean {
    const now = this.now();
    const held = this.#heldBy(lease, now);
    if (held === undefined) return false;
    held.expiresAt = now + ms;
    this.#leases.delete(lease.key);
    this.#leases.set(lease.key, held);
    return true;
  }

  commit(lease: Lease, fill: Fill): CommitResult {
    const held = this.#heldBy(lease, this.now());
    if (held === undefined) return 'lost';
    this.#leases.delete(lease.key);
    if (held.revoked || fill.tags.some((tag) => held.revokedTags?.has(tag) === true)) return 'revoked';
    this.#write(lease.key, fill, lease.grantedAt, held.serial);
    return 'stored';
  }

  release(lease: Lease, ending: LeaseEnding): void {
    const now = this.now();
    if (this.#heldBy(lease, now) === undefined) return;
    this.#leases.delete(lease.key);
    if (ending.kind === 'gone') this.#entries.delete(lease.key);
    if (ending.kind === 'failed') this.#fail(lease.key, ending.message, ending.retryIn, now);
  }

  set(key: string, fill: Fill): void {
    this.#leases.delete(key);
    this.#write(key, fill, this.now(), ++this.#serial);
  }

  invalidate(key: string): Invalidation {
    const now = this.now();
    const holder = this.#holder(key, now);
    if (holder !== undefined) holder.revoked = true;
    const held = holder !== undefined;
    const entry = this.#entries.peek(key);
    if (!isServable(entry, now)) return { found: false, held, generation: '' };
    if (entry.kind === 'error') {
      this.#entries.delete(key);
      return { found: false, held, generation: '' };
    }
    // Before now: a read in the same millisecond must find it stale.
    this.#put(key, entry.under({ ttl: Math.min(entry.freshUntil, now - 1) - entry.storedAt }));
    return { found: true, held, generation: entry.generation, failure: entry.failure };
  }

  delete(key: string): boolean {
    this.#leases.delete(key);
    const there = isServable(this.#entries.peek(key), this.now());
    this.#entries.delete(key);
    return there;
  }

  /** Takes an entry over as another store holds it. Answers what is kept. */
  keep(key: string, entry: Entry, copyOnRead = entry.copyOnRead): Entry {
    const like = entryLike(entry, copyOnRead);
    this.#put(key, like);
    return like;
  }

  invalidateTags(tags: readonly string[]): void {
    this.#revokeTags(tags);
    for (const key of this.#tags.keysOf(tags)) this.invalidate(key);
  }

  deleteTags(tags: readonly string[]): void {
    this.#revokeTags(tags);
    for (const key of this.#tags.keysOf(tags)) this.delete(key);
  }

  clear(): void {
    this.#leases.clear();
    this.#entries.clear();
  }

  close(): void {
    this.clear();
  }

  #write(key: string, fill: Fill, storedAt: number, serial: number): void {
    const terms = this.#termsOf(fill);
    if (storedAt + terms.keep <= this.now()) this.#entries.delete(key);
    else this.#put(key, new StoredEntry(fill.value, terms, storedAt - this.#epoch, serial));
  }

  #termsOf({ kind, copyOnRead, ttl, grace, tags }: Fill): Terms {
    const id = JSON.stringify([kind, copyOnRead, ttl, grace, tags]);
    let terms = this.#terms.get(id);
    if (terms === undefined) {
      // A remembered error is never served past its ttl.
      const graceful = kind === 'error' ? 0 : grace;
      const common = { kind, copyOnRead, ttl, grace: graceful, keep: ttl + graceful, tags: Object.freeze([...tags]) };
      terms = { ...common, failure: undefined, epoch: this.#epoch, generation: this.#instance };
      if (this.#terms.size >= MOST_TERMS) this.#terms.clear();
      this.#terms.set(id, terms);
    }
    return terms;
  }

  #fail(key: string, message: string, retryIn: number, now: number): void {
    const entry = kept(this.#entries.peek(key), now) ?? vacant(now);
    const failure = { count: (entry.failure?.count ?? 0) + 1, message, at: now, retryAt: now + retryIn };
    // Past the next attempts, so that failures in a row are counted as such.
    const keep = Math.max(entry.keepUntil, now + 2 * retryIn + 60_000) - entry.storedAt;
    this.#put(key, entry.under({ failure, keep }));
  }

  #put(key: string, entry: StoredEntry): void {
    this.#entries.set(key, entry);
    this.#tags.add(key, entry.tags);
  }

  #revokeTags(tags: readonly string[]): void {
    if (tags.length === 0) return;
    for (const held of this.#leases.values()) {
      held.revokedTags ??= new Set();
      for (const tag of tags) held.revokedTags.add(tag);
    }
  }

  #holder(key: string, now: number): HeldLease | undefined {
    const held = this.#leases.get(key);
    return held !== undefined && held.expiresAt > now ? held : undefined;
  }

  #heldBy(lease: Lease, now: number): HeldLease | undefined {
    const held = this.#holder(lease.key, now);
    return held?.token === lease.token ? held : undefined;
  }

  /** Holders end their leases; those of one that never did would pile up. */
  #forgetExpiredLeases(now: number): void {
    for (const [key, held] of this.#leases) {
      if (held.expiresAt > now) return;
      this.#leases.delete(key);
    }
  }
}
