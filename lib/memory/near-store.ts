import type { Entry, Fill } from '../core/entry.js';
import { StoreSuspendedError } from '../core/errors.js';
import type {
  Acquisition,
  Awaitable,
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
import { filledEntry, NearCopies } from './near-copies.js';
import type { NearStoreOptions } from './near-store-options.js';
import { OwnFills } from './own-fills.js';
import { Outage } from './outage.js';

/**
 * Copies of a shared store's entries in this process.
 *
 * While the feed is live a copy is as good as the entry, and read without a round trip. While the shared store cannot be
 * reached, or takes no writes, this process works alone, leases and backoff included, each copy for `age` at most: so an
 * outage is neither one of the readers nor a load on the origin. What was done alone is forgotten when it is over.
 */
export class NearStore implements Store {
  readonly #near: MemoryStore;
  readonly #copies: NearCopies;
  readonly #outage: Outage;
  /** Tokens of leases that were granted here, for want of the shared store. */
  readonly #ownLeases = new Set<string>();
  readonly #ownFills = new OwnFills((key) => this.#load(key));
  /** Since when changes may have been missed, by the store's clock. */
  #lostAt = 0;

  constructor(private readonly options: NearStoreOptions) {
    const { store, clock, max, age, feed } = options;
    const schedule: Clock['schedule'] = (ms, run) => clock.schedule(ms, run);
    const defer: Clock['defer'] = (run) => {
      clock.defer(run);
    };
    this.#near = new MemoryStore({ max, clock: { now: () => store.now(), schedule, defer } });
    this.#copies = new NearCopies({ store: this.#near, feed, max, age });
    this.#outage = new Outage({ store, clock, max, forget: (key) => { this.#forget(key); } });
    feed?.subscribe({
      changed: (keys) => {
        for (const key of keys) this.#changed(key);
      },
      lost: () => (this.#lostAt = this.now()),
      restored: () => {
        this.#forgetAll();
        this.#outage.worked();
        this.options.onRestored?.();
      },
    });
  }

  /** What is done alone no other process sees, so none can be asked to refresh it. */
  get capabilities(): StoreCapabilities {
    const { capabilities } = this.options.store;
    return this.#outage.isAlone ? { ...capabilities, alone: true } : capabilities;
  }

  now(): number {
    return this.options.store.now();
  }

  read(key: string): Awaitable<Entry | undefined> {
    return this.#trusted(key) ?? this.#ownFills.loading(key) ?? this.#load(key);
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
      // The claim was made of a copy that is out of date, and the news of it is on its way.
      if (acquired.kind === 'changed') this.#forget(key);
      return acquired;
    } catch (error) {
      this.#outage.failed();
      // Throws it where nothing here helps: then it is the caller's to report.
      const acquired = this.#acquireAlone(key, claim, error);
      this.options.onFailure('acquire', key, error);
      return acquired;
    }
  }

  renew(lease: Lease, ms: number): Awaitable<boolean> {
    return this.#ownLeases.has(lease.token) ? this.#near.renew(lease, ms) : this.options.store.renew(lease, ms);
  }

  async commit(lease: Lease, fill: Fill): Promise<CommitResult> {
    const { key } = lease;
    if (this.#ownLeases.delete(lease.token)) {
      const result = this.#near.commit(lease, fill);
      if (result === 'stored') this.#outage.actedAlone(key, 'filled');
      return result;
    }
    const underway = this.#copies.begin(key);
    try {
      const result = await this.options.store.commit(lease, fill);
      if (result !== 'stored') this.#forget(key);
      else if (underway.changed) this.#ownFills.load(key);
      else if (this.#copies.keep(underway, filledEntry(lease, fill)) === undefined) this.#forget(key);
      else this.#ownFills.add(key);
      return result;
    } finally {
      this.#copies.end(underway);
    }
  }

  async release(lease: Lease, ending: LeaseEnding): Promise<void> {
    const { key, token } = lease;
    const { store } = this.options;
    if (this.#ownLeases.delete(token)) {
      this.#near.release(lease, ending);
      if (ending.kind === 'failed') this.#outage.actedAlone(key, 'failed');
    } else if (ending.kind === 'unfilled') {
      await store.release(lease, ending);
    } else {
      await this.#changing(key, () => store.release(lease, ending));
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
    await this.#changing(tags, () => this.options.store.invalidateTags(tags));
  }

  async deleteTags(tags: readonly string[]): Promise<void> {
    await this.#changing(tags, () => this.options.store.deleteTags(tags));
  }

  async clear(): Promise<void> {
    await this.#changing(undefined, () => this.options.store.clear());
  }

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
    // Somebody saw it in the shared store, and is not helped by what is done here: his request waits until that is back.
    if (generation !== '' && generation !== known?.generation) throw error;
    // A copy that no reader is given any more is in nobody's way.
    const acquired = this.#near.acquire(key, known === undefined ? { ...claim, generation: undefined } : claim);
    if (acquired.kind === 'granted') this.#ownLeases.add(acquired.lease.token);
    return acquired;
  }

  #failed(operation: string, key: string, error: unknown): void {
    this.#outage.failed();
    this.options.onFailure(operation, key, error);
  }

  /** A change by this process itself, of a key, of tags, or of all. Also after a failure: it may have been done. */
  async #changing<Result>(what: string | readonly string[] | undefined, change: () => Awaitable<Result>): Promise<Result> {
    try {
      return await change();
    } finally {
      if (what === undefined) this.#forgetAll();
      else if (typeof what === 'string') this.#forget(what);
      else this.#copies.forgetTagged(what);
    }
  }

  /**
   * What this process wrote is told as well: Redis's NOLOOP does not cover scripts. It cannot be told apart from what
   * another one wrote right after, so the copy is taken anew.
   */
  #changed(key: string): void {
    const filledHere = this.#ownFills.has(key);
    this.#forget(key);
    if (filledHere) this.#ownFills.load(key);
  }

  #forget(key: string): void {
    this.#ownFills.forget(key);
    this.#outage.drop(key);
    this.#copies.forget(key);
  }

  #forgetAll(): void {
    this.#ownFills.clear();
    this.#ownLeases.clear();
    this.#outage.dropAll();
    this.#copies.forgetAll();
  }
}
