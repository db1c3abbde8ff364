import type { Entry, Fill } from '../core/entry.js';
import { StoreSuspendedError } from '../core/errors.js';
import type {
  Acquisition,
  Awaitable,
  Claim,
  Clock,
  CommitResult,
  Invalidation,
  KeyPage,
  Lease,
  LeaseEnding,
  Noticeboard,
  ReleaseResult,
  Store,
  StoreCapabilities,
} from '../core/ports.js';
import { NO_TYPES } from '../core/value/value-types.js';
import { JoinedReads } from '../core/store/joined-reads.js';
import { MemoryStore } from '../memory/memory-store.js';
import { EntryWatches } from './entry-watches.js';
import { filledEntry, NearCopies } from './near-copies.js';
import type { NearStoreOptions } from './near-store-options.js';
import { OwnCommits } from './own-commits.js';
import { Outage } from './outage.js';

/**
 * Copies of a shared store's entries in this process.
 *
 * While the feed is live a copy is as good as the entry, and is read without a round trip. While the shared store
 * cannot be reached or refuses writes, this process works alone, with leases and backoff of its own, and keeps each
 * copy for at most `age`. So an outage of the store is neither an outage for readers nor a load on the origin. When it
 * is over, everything done alone is dropped.
 */
export class NearStore implements Store {
  readonly #near: MemoryStore;
  readonly #copies: NearCopies;
  readonly #outage: Outage;
  /** Tokens of leases that were granted here because the shared store could not grant any. */
  readonly #ownLeases = new Set<string>();
  readonly #ownCommits = new OwnCommits((key) => this.#load(key));
  readonly #watches = new EntryWatches();
  readonly #reads = new JoinedReads((key) => this.#load(key));
  /** The time, by the store's clock, since which changes may have been missed. */
  #lostAt = 0;

  constructor(private readonly options: NearStoreOptions) {
    const { store, clock, max, maxBytes, age, feed, valueTypes = NO_TYPES } = options;
    const schedule: Clock['schedule'] = (ms, run) => clock.schedule(ms, run);
    const defer: Clock['defer'] = (run) => {
      clock.defer(run);
    };
    this.#near = new MemoryStore({
      max,
      ...(maxBytes === undefined ? {} : { maxBytes }),
      clock: { now: () => store.now(), schedule, defer },
    });
    this.#copies = new NearCopies({ store: this.#near, feed, max, age, valueTypes });
    this.#outage = new Outage({
      store,
      clock,
      max,
      forget: (key) => {
        this.#forget(key);
      },
    });
    feed?.subscribe({
      changed: (keys) => {
        for (const key of keys) this.#changed(key);
      },
      lost: () => {
        this.#lostAt = this.now();
        this.#watches.allChanged();
      },
      restored: () => {
        this.#forgetAll();
        this.#watches.allChanged();
        this.#outage.worked();
        this.options.onRestored?.();
      },
    });
  }

  /** During an outage no other process sees what this one does, so no other process can be asked to refresh it. */
  get capabilities(): StoreCapabilities {
    const { capabilities } = this.options.store;
    return this.#outage.isAlone ? { ...capabilities, shared: false } : capabilities;
  }

  now(): number {
    return this.options.store.now();
  }

  read(key: string): Awaitable<Entry | undefined> {
    return this.#trusted(key) ?? this.#ownCommits.loading(key) ?? this.#reads.read(key);
  }

  async readMany(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    const found = new Map<string, Entry | undefined>();
    for (const key of keys) found.set(key, this.#trusted(key));
    const missing = [...found.keys()].filter((key) => found.get(key) === undefined);
    if (missing.length > 0) {
      const loaded = await this.#loadMany(missing, () => this.options.store.readMany(missing));
      missing.forEach((key, index) => found.set(key, loaded[index]));
    }
    return keys.map((key) => found.get(key));
  }

  async acquire(key: string, claim: Claim): Promise<Acquisition> {
    if (this.#outage.isRecent) return this.#acquireAlone(key, claim, new StoreSuspendedError('acquire'));
    try {
      const acquired = await this.options.store.acquire(key, claim);
      // The claim was based on an outdated copy, and the report of the change has not arrived yet.
      if (acquired.kind === 'changed') this.#forget(key);
      return acquired;
    } catch (error) {
      this.#outage.failed();
      // Throws the error when no local lease helps. The caller reports it.
      const acquired = this.#acquireAlone(key, claim, error);
      this.options.onFailure('acquire', key, error);
      return acquired;
    }
  }

  leaseRemaining(key: string): Awaitable<number | undefined> {
    return this.#near.leaseRemaining(key) ?? this.options.store.leaseRemaining?.(key);
  }

  watch(key: string, changed: () => void): (() => void) | undefined {
    return this.options.feed?.live === true ? this.#watches.add(key, changed) : undefined;
  }

  hasCopy(key: string): boolean {
    return this.#trusted(key) !== undefined;
  }

  browse(prefix: string, cursor: string, atLeast: number): Awaitable<KeyPage | undefined> {
    return this.options.store.browse?.(prefix, cursor, atLeast);
  }

  get noticeboard(): Noticeboard | undefined {
    return this.options.store.noticeboard;
  }

  renew(lease: Lease, ms: number): Awaitable<boolean> {
    return this.#ownLeases.has(lease.token) ? this.#near.renew(lease, ms) : this.options.store.renew(lease, ms);
  }

  async commit(lease: Lease, fill: Fill): Promise<CommitResult> {
    const { key } = lease;
    if (this.#ownLeases.delete(lease.token)) {
      const result = this.#near.commit(lease, fill);
      if (result === 'stored' || result === 'stale') this.#outage.actedAlone(key, 'filled');
      return result;
    }
    const underway = this.#copies.begin(key);
    try {
      const result = await this.options.store.commit(lease, fill);
      if (result !== 'stored') this.#forget(key);
      else if (underway.changed) this.#ownCommits.load(key);
      else if (this.#copies.keep(underway, filledEntry(lease, fill)) === undefined) this.#forget(key);
      else this.#ownCommits.add(key);
      return result;
    } finally {
      this.#copies.end(underway);
    }
  }

  async release(lease: Lease, ending: LeaseEnding, tags?: readonly string[]): Promise<ReleaseResult> {
    const { key, token } = lease;
    const { store } = this.options;
    if (this.#ownLeases.delete(token)) {
      const result = this.#near.release(lease, ending, tags);
      if (ending.kind === 'failed') this.#outage.actedAlone(key, 'failed');
      return result;
    }
    if (ending.kind === 'unfilled') return store.release(lease, ending, tags);
    return this.#changing(key, () => store.release(lease, ending, tags));
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
    await this.#changing(tags, () => this.options.store.invalidateTags(tags));
  }

  async deleteTags(tags: readonly string[]): Promise<void> {
    await this.#changing(tags, () => this.options.store.deleteTags(tags));
  }

  async invalidateAll(prefix: string): Promise<void> {
    await this.#changing(undefined, () => this.options.store.invalidateAll(prefix));
  }

  async deleteAll(prefix: string): Promise<void> {
    await this.#changing(undefined, () => this.options.store.deleteAll(prefix));
  }

  async clear(): Promise<void> {
    await this.#changing(undefined, () => this.options.store.clear());
  }

  /** Drops the copies and closes the shared store. */
  async close(): Promise<void> {
    this.#outage.close();
    await this.options.feed?.close();
    await this.options.store.close();
  }

  #trusted(key: string): Entry | undefined {
    return this.#outage.hasFilled(key) ? this.#copies.usable(key, 0) : this.#copies.trusted(key);
  }

  async #load(key: string): Promise<Entry | undefined> {
    const [entry] = await this.#loadMany([key], async () => [await this.options.store.read(key)]);
    return entry;
  }

  async #loadMany(
    keys: readonly string[],
    load: () => Awaitable<readonly (Entry | undefined)[]>,
  ): Promise<readonly (Entry | undefined)[]> {
    const underway = keys.map((key) => this.#copies.begin(key));
    try {
      const entries = await load();
      this.#outage.worked();
      return underway.map((loading, index) => {
        const entry = entries[index];
        return entry && (this.#copies.keep(loading, entry) ?? entry);
      });
    } catch (error) {
      const [first = ''] = keys;
      this.#failed('read', first, error);
      return keys.map((key) => this.#copies.usable(key, this.#lostAt));
    } finally {
      for (const loading of underway) this.#copies.end(loading);
    }
  }

  #acquireAlone(key: string, claim: Claim, error: unknown): Acquisition {
    const known = this.#trusted(key) ?? this.#copies.usable(key, this.#lostAt);
    const { generation = '' } = claim;
    // The request is about an entry in the shared store that is not copied here. A local fetch would not help it, so it
    // waits until the store is back.
    if (generation !== '' && generation !== known?.generation) throw error;
    // A copy that may not be served to any reader does not stand in the way of a new fetch.
    const acquired = this.#near.acquire(key, known === undefined ? { ...claim, generation: undefined } : claim);
    if (acquired.kind === 'granted') this.#ownLeases.add(acquired.lease.token);
    return acquired;
  }

  #failed(operation: string, key: string, error: unknown): void {
    this.#outage.failed();
    this.options.onFailure(operation, key, error);
  }

  /**
   * Runs a change made by this process: of a key, of tags, or of many keys. For tags and many keys all copies are
   * dropped, since finding the affected ones costs more than taking the others anew. Copies are dropped after a failure
   * as well, because the store may have made the change.
   */
  async #changing<Result>(
    what: string | readonly string[] | undefined,
    change: () => Awaitable<Result>,
  ): Promise<Result> {
    try {
      return await change();
    } finally {
      if (what === undefined) this.#forgetAll();
      else if (typeof what === 'string') this.#forget(what);
      else this.#copies.forgetTagged(what);
    }
  }

  /**
   * Redis reports this process's own writes, too, since NOLOOP does not cover scripts. Such a report cannot be told
   * apart from another process's write right after, so the copy is taken anew.
   */
  #changed(key: string): void {
    const filledHere = this.#ownCommits.has(key);
    this.#forget(key);
    if (filledHere) this.#ownCommits.load(key);
    this.#watches.changed(key);
  }

  #forget(key: string): void {
    this.#ownCommits.forget(key);
    this.#outage.drop(key);
    this.#copies.forget(key);
  }

  #forgetAll(): void {
    this.#ownCommits.clear();
    this.#ownLeases.clear();
    this.#outage.dropAll();
    this.#copies.forgetAll();
  }
}
