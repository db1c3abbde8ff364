import type { Entry, Fill } from '../core/entry.js';
import { freezePortable } from '../core/portable.js';
import type {
  Acquisition,
  Awaitable,
  ChangeFeed,
  Claim,
  Clock,
  CommitResult,
  Invalidation,
  Lease,
  LeaseEnding,
  Store,
  StoreCapabilities,
} from '../core/ports.js';
import { MemoryStore } from './memory-store.js';

export interface NearStoreOptions {
  /** The shared store. */
  readonly store: Store;
  /** Tells what others change in it. Undefined: it cannot, and a copy is trusted for `age`. */
  readonly feed: ChangeFeed | undefined;
  readonly clock: Clock;
  /** How many entries are kept in this process. */
  readonly max: number;
  /** How long a copy is used, in milliseconds, while nobody can say whether it is still right. */
  readonly age: number;
  /** Told of each failure of the shared store that a copy made up for. */
  readonly onFailure: (operation: string, key: string, error: unknown) => void;
}

/** A load or a fill under way, whose result must not be kept if the key changes meanwhile. */
interface Underway {
  readonly key: string;
  changed: boolean;
}

/**
 * Copies of a shared store's entries in this process.
 *
 * While the feed is live a copy is as good as the entry, and read without a round trip. While the shared store cannot be
 * reached this process works on its copies alone, leases and backoff included, each for `age` at most: so an outage is
 * neither one of the readers nor a load on the origin. What was done meanwhile is forgotten when the feed is back.
 */
export class NearStore implements Store {
  readonly #near: MemoryStore;
  readonly #underway = new Set<Underway>();
  /** When copies were taken; only needed where no feed says that they are right. */
  readonly #takenAt = new Map<string, number>();
  /** Tokens of leases that were granted here, for want of the shared store. */
  readonly #ownLeases = new Set<string>();
  /** Since when changes may have been missed, by the store's clock. */
  #lostAt = 0;

  constructor(private readonly options: NearStoreOptions) {
    const { store, clock, max, feed } = options;
    const schedule: Clock['schedule'] = (ms, run) => clock.schedule(ms, run);
    const defer: Clock['defer'] = (run) => {
      clock.defer(run);
    };
    this.#near = new MemoryStore({ max, clock: { now: () => store.now(), schedule, defer } });
    feed?.subscribe({
      changed: (keys) => {
        for (const key of keys) this.#forget(key);
      },
      lost: () => {
        this.#lostAt = this.now();
      },
      restored: () => {
        this.#forgetAll();
      },
    });
  }

  get capabilities(): StoreCapabilities {
    return this.options.store.capabilities;
  }

  now(): number {
    return this.options.store.now();
  }

  read(key: string): Awaitable<Entry | undefined> {
    return this.#trusted(key) ?? this.#load(key);
  }

  async readMany(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    const found = new Map<string, Entry | undefined>();
    for (const key of keys) found.set(key, this.#trusted(key));
    const missing = [...found.keys()].filter((key) => found.get(key) === undefined);
    if (missing.length > 0) {
      const loaded = await this.#keeping(missing, () => this.options.store.readMany(missing));
      missing.forEach((key, index) => found.set(key, loaded[index]));
    }
    return keys.map((key) => found.get(key));
  }

  async acquire(key: string, claim: Claim): Promise<Acquisition> {
    try {
      return await this.options.store.acquire(key, claim);
    } catch (error) {
      this.options.onFailure('acquire', key, error);
      const acquired = this.#near.acquire(key, claim);
      if (acquired.kind === 'granted') this.#ownLeases.add(acquired.lease.token);
      return acquired;
    }
  }

  renew(lease: Lease, ms: number): Awaitable<boolean> {
    return this.#storeOf(lease).renew(lease, ms);
  }

  async commit(lease: Lease, fill: Fill): Promise<CommitResult> {
    if (this.#ownLeases.delete(lease.token)) return this.#near.commit(lease, fill);
    const { key } = lease;
    const underway = this.#begin(key);
    try {
      const result = await this.options.store.commit(lease, fill);
      // The feed does not tell a process of what it did itself, so that it need not throw its own copy away.
      if (result === 'stored' && !underway.changed) this.#keep(key, entryOf(lease, fill));
      else this.#drop(key);
      return result;
    } finally {
      this.#underway.delete(underway);
    }
  }

  async release(lease: Lease, ending: LeaseEnding): Promise<void> {
    const store = this.#storeOf(lease);
    this.#ownLeases.delete(lease.token);
    try {
      await store.release(lease, ending);
    } finally {
      if (store !== this.#near && ending.kind !== 'unfilled') this.#forget(lease.key);
    }
  }

  async set(key: string, fill: Fill): Promise<void> {
    await this.#changing(key, () => this.options.store.set(key, fill));
  }

  invalidate(key: string): Promise<Invalidation> {
    return this.#changing(key, () => this.options.store.invalidate(key));
  }

  delete(key: string): Promise<boolean> {
    return this.#changing(key, () => this.options.store.delete(key));
  }

  async invalidateTags(tags: readonly string[]): Promise<void> {
    await this.#changingTags(tags, () => this.options.store.invalidateTags(tags));
  }

  async deleteTags(tags: readonly string[]): Promise<void> {
    await this.#changingTags(tags, () => this.options.store.deleteTags(tags));
  }

  async clear(): Promise<void> {
    try {
      await this.options.store.clear();
    } finally {
      this.#forgetAll();
    }
  }

  async close(): Promise<void> {
    await this.options.feed?.close();
    await this.options.store.close();
  }

  /** A copy that is as good as the entry. */
  #trusted(key: string): Entry | undefined {
    const { feed } = this.options;
    if (feed !== undefined) return feed.live ? this.#near.read(key) : undefined;
    return this.#usableFor(key, this.#takenAt.get(key) ?? 0);
  }

  /** A copy that was right at `since`, or was made later, and is not older than it may be. */
  #usableFor(key: string, since: number): Entry | undefined {
    const copy = this.#near.read(key);
    if (copy === undefined) return undefined;
    return this.now() - Math.max(since, copy.storedAt) <= this.options.age ? copy : undefined;
  }

  async #load(key: string): Promise<Entry | undefined> {
    const [entry] = await this.#keeping([key], async () => [await this.options.store.read(key)]);
    return entry;
  }

  /** Copies what is loaded, unless it changes meanwhile: the news may come before the answer that it outdates. */
  async #keeping(
    keys: readonly string[],
    load: () => Awaitable<readonly (Entry | undefined)[]>,
  ): Promise<readonly (Entry | undefined)[]> {
    const underway = keys.map((key) => this.#begin(key));
    try {
      const entries = await load();
      return entries.map((entry, index) => {
        const loading = underway[index];
        if (entry === undefined || loading === undefined || loading.changed) return entry;
        return this.#keep(loading.key, entry);
      });
    } catch (error) {
      const [first = ''] = keys;
      this.options.onFailure('read', first, error);
      return keys.map((key) => this.#usableFor(key, this.#lostAt));
    } finally {
      for (const loading of underway) this.#underway.delete(loading);
    }
  }

  #keep(key: string, entry: Entry): Entry {
    const { feed } = this.options;
    if (feed !== undefined && !feed.live) return entry;
    const copyOnRead = entry.copyOnRead || !freezePortable(entry.value);
    const copy = { ...entry, copyOnRead };
    this.#near.keep(key, copy);
    if (feed === undefined) this.#rememberTaking(key);
    return copy;
  }

  #rememberTaking(key: string): void {
    this.#takenAt.delete(key);
    this.#takenAt.set(key, this.now());
    if (this.#takenAt.size <= this.options.max) return;
    const [oldest] = this.#takenAt.keys();
    if (oldest !== undefined) this.#drop(oldest);
  }

  #begin(key: string): Underway {
    const underway = { key, changed: false };
    this.#underway.add(underway);
    return underway;
  }

  /** A change by this process: the feed will not tell of it. Also after a failure: it may have been done. */
  async #changing<Result>(key: string, change: () => Awaitable<Result>): Promise<Result> {
    try {
      return await change();
    } finally {
      this.#forget(key);
    }
  }

  async #changingTags(tags: readonly string[], change: () => Awaitable<void>): Promise<void> {
    try {
      await change();
    } finally {
      for (const loading of this.#underway) loading.changed = true;
      this.#near.deleteTags(tags);
    }
  }

  #forget(key: string): void {
    for (const loading of this.#underway) if (loading.key === key) loading.changed = true;
    this.#drop(key);
  }

  #drop(key: string): void {
    this.#takenAt.delete(key);
    this.#near.delete(key);
  }

  #forgetAll(): void {
    for (const loading of this.#underway) loading.changed = true;
    this.#takenAt.clear();
    this.#ownLeases.clear();
    this.#near.clear();
  }

  #storeOf(lease: Lease): Store {
    return this.#ownLeases.has(lease.token) ? this.#near : this.options.store;
  }
}

function entryOf(lease: Lease, fill: Fill): Entry {
  const { kind, value, copyOnRead, ttl, grace, tags } = fill;
  const { grantedAt: storedAt, token: generation } = lease;
  return { kind, value, copyOnRead, storedAt, freshUntil: storedAt + ttl, grace, generation, tags };
}
