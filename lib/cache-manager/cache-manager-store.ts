import type { Entry, Fill } from '../core/entry.js';
import type { CorruptEntryError } from '../core/errors.js';
import type {
  Acquisition,
  Claim,
  Clock,
  Codec,
  CommitResult,
  Invalidation,
  Lease,
  LeaseEnding,
  ReleaseResult,
  Store,
  StoreCapabilities,
} from '../core/ports.js';
import type { CacheManagerStoreOptions } from './cache-manager-store-options.js';
import { type CacheCheck, checkTiers } from './check-tiers.js';
import { keptUntil } from './entry-item.js';
import { EntryReader } from './entry-reader.js';
import { ItemNames } from './item-names.js';
import { ItemWriter } from './item-writer.js';
import { KeyMutex } from './key-mutex.js';
import { openTiers } from './open-tiers.js';
import { ProcessLeases } from './process-leases.js';
import { SharedStamps } from './shared-stamps.js';
import { commitResult, entryItemOf, isGeneration, isServable, outdated, type Snapshot, standing } from './snapshot.js';
import { goneStamp, staleStamp } from './stamp.js';
import type { Tiers } from './tier.js';

/**
 * Entries in a cache of cache-manager, or in any store that Keyv has an adapter for.
 *
 * Such a store reads and writes single items and does nothing else atomically. So leases hold in this process only, and
 * two processes may fetch a cold key at the same time. Invalidations by any process are final all the same: an entry
 * contains the stamps under which it was written, and each read compares them with the stamps of now. See `Stamp`.
 */
export class CacheManagerStore implements Store {
  /** Leases hold in this process only. */
  readonly capabilities: StoreCapabilities;

  readonly #clock: Clock;
  readonly #codec: Codec;
  readonly #names: ItemNames;
  readonly #tiers: Tiers;
  readonly #ownsTiers: boolean;
  readonly #reader: EntryReader;
  readonly #writer: ItemWriter;
  readonly #leases = new ProcessLeases();
  readonly #mutex = new KeyMutex();
  readonly #shared: SharedStamps;
  readonly #discarding = new Set<string>();
  readonly #onCorrupt: CacheManagerStoreOptions['onCorrupt'];

  constructor({ clock, codec, prefix, cache, stores = [], shared, onCorrupt }: CacheManagerStoreOptions) {
    this.#clock = clock;
    this.#codec = codec;
    this.#onCorrupt = onCorrupt;
    this.#names = new ItemNames(prefix);
    this.#ownsTiers = cache === undefined;
    this.#tiers = openTiers(cache, stores);
    this.#writer = new ItemWriter(this.#tiers, this.#names);
    this.#reader = new EntryReader(
      this.#tiers,
      this.#names,
      codec,
      () => this.now(),
      (key, name, error, written) => this.#discard(key, name, error, written),
    );
    this.#shared = new SharedStamps(this.#names, this.#reader.last, this.#writer, () => this.now());
    this.capabilities = { shared: shared ?? this.#tiers.at(-1)?.local !== true, fence: 'process' };
  }

  /**
   * Checks that each store stores, returns and removes what it is given. Rejects with a `ConfigurationError` when a
   * store gives a wrong answer. A store that does not answer is `unreachable`, which need not keep an application from
   * starting.
   */
  async check(timeoutMs = 2_000): Promise<CacheCheck> {
    return checkTiers(this.#tiers, this.#names.probe, this.#clock, timeoutMs);
  }

  now(): number {
    return this.#clock.now();
  }

  async read(key: string): Promise<Entry | undefined> {
    const [entry] = await this.#reader.read([key]);
    return entry;
  }

  async readMany(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    return this.#reader.read(keys);
  }

  acquire(key: string, claim: Claim): Promise<Acquisition> {
    return this.#mutex.take(key, async () => {
      const before = await this.#reader.last.readOne(key);
      const now = this.now();
      const present = standing(before, now);
      const { failure } = present;
      if (claim.generation !== undefined && !isGeneration(present, claim.generation, now)) return { kind: 'changed' };
      const holder = this.#leases.holder(key, now);
      if (holder !== undefined && !claim.takeOver) {
        return { kind: 'busy', token: holder.token, remaining: holder.expiresAt - now };
      }
      if (claim.respectBackoff && failure !== undefined && failure.retryAt > now) {
        return { kind: 'backoff', remaining: failure.retryAt - now };
      }
      return {
        kind: 'granted',
        lease: this.#leases.grant(key, claim.lease, now, before),
        failures: failure?.count ?? 0,
        previous: () => (isServable(present, now) ? this.#reader.entryOf(key, before, now) : undefined),
      };
    });
  }

  async renew(lease: Lease, ms: number): Promise<boolean> {
    return this.#leases.renew(lease, ms, this.now());
  }

  commit(lease: Lease, fill: Fill): Promise<CommitResult> {
    const { key, grantedAt } = lease;
    return this.#mutex.take(key, async () => {
      const held = this.#leases.end(lease, this.now());
      if (held === undefined) return 'lost';
      const { before } = held;
      const after = await this.#reader.last.readOne(key, [...new Set([...fill.tags, ...(before.item?.tags ?? [])])]);
      const result = commitResult(before, after, fill.tags, this.now());
      const written = result === 'stale' && fill.kind === 'error' ? 'revoked' : result;
      if (written === 'stored') await this.#write(key, fill, grantedAt, after, false);
      if (written === 'stale') {
        await this.#write(key, staleFill(fill, grantedAt, this.now()), grantedAt, outdated(before, after), false);
      }
      return written;
    });
  }

  release(lease: Lease, ending: LeaseEnding, tags: readonly string[] = []): Promise<ReleaseResult> {
    const { key } = lease;
    return this.#mutex.take(key, async () => {
      const held = this.#leases.end(lease, this.now());
      if (held === undefined) return 'lost';
      const found = await this.#reader.last.readOne(key, [...new Set([...tags, ...(held.before.item?.tags ?? [])])]);
      const now = this.now();
      const result = releaseResult(commitResult(held.before, found, tags, now));
      if (ending.kind === 'unfilled') return result;
      if (ending.kind === 'gone') {
        await this.#writer.removal(key, goneStamp(found.key, now));
        return result;
      }
      const { item, failure } = standing(found, now);
      // Kept beyond the next attempts, so that consecutive failures are counted as such.
      const keepUntil = Math.max(item === undefined ? 0 : keptUntil(item), now + 2 * ending.retryIn + 60_000);
      const { message, retryIn } = ending;
      const count = (failure?.count ?? 0) + 1;
      const of = item?.generation ?? '';
      const known = [found.cleared.at, found.key.at] as const;
      await this.#writer.failure(key, { count, message, at: now, retryAt: now + retryIn, of, known, keepUntil }, now);
      return result;
    });
  }

  /** Of this process: the leases of others are not in the tiers. */
  leaseRemaining(key: string): number | undefined {
    const now = this.now();
    const holder = this.#leases.holder(key, now);
    return holder && holder.expiresAt - now;
  }

  set(key: string, fill: Fill): Promise<void> {
    return this.#mutex.take(key, async () => {
      this.#leases.revoke(key);
      const found = await this.#reader.last.readOne(key, [...new Set(fill.tags)]);
      const now = this.now();
      await this.#write(key, fill, now, { ...found, key: goneStamp(found.key, now) }, true);
    });
  }

  invalidate(key: string): Promise<Invalidation> {
    return this.#mutex.take(key, async () => {
      const found = await this.#reader.last.readOne(key);
      const now = this.now();
      const held = this.#leases.holder(key, now) !== undefined;
      const present = standing(found, now);
      const life = found.item === undefined ? 0 : keptUntil(found.item) - now;
      const again = found.item !== undefined && found.key.at > (found.item.known[1] ?? 0);
      // The stamp is written even when there is no entry, because another process may be fetching one.
      await this.#writer.invalidation(key, staleStamp(found.key, now, again), life);
      if (!isServable(present, now) || present.item?.kind !== 'value') return { found: false, held, generation: '' };
      return { found: true, held, generation: present.item.generation, failure: present.failure };
    });
  }

  delete(key: string): Promise<boolean> {
    return this.#mutex.take(key, async () => {
      this.#leases.revoke(key);
      const found = await this.#reader.last.readOne(key);
      const now = this.now();
      await this.#writer.removal(key, goneStamp(found.key, now));
      return isServable(standing(found, now), now);
    });
  }

  /**
   * Costs one read and one write, however many entries have the tags. Each entry compares its stamps when it is read.
   */
  async invalidateTags(tags: readonly string[]): Promise<void> {
    if (tags.length > 0) await this.#shared.tags(tags, false);
  }

  async deleteTags(tags: readonly string[]): Promise<void> {
    this.#leases.revokeTagged(tags, this.now());
    if (tags.length > 0) await this.#shared.tags(tags, true);
  }

  /** Costs one read and one write, however many entries the job has. Each entry compares its stamps when it is read. */
  async invalidateAll(prefix: string): Promise<void> {
    await this.#shared.job(prefix, false);
  }

  /** Costs as much as `invalidateAll`. The items stay in the store, ignored by every read, until they expire. */
  async deleteAll(prefix: string): Promise<void> {
    this.#leases.revokeAll(prefix);
    await this.#shared.job(prefix, true);
  }

  /** In a Map the items are removed. In other stores they stay, ignored by every read, until they expire. */
  async clear(): Promise<void> {
    this.#leases.revokeAll();
    await this.#shared.everything();
  }

  /** Disconnects `stores`. A `cache` that was given stays open. */
  async close(): Promise<void> {
    this.#leases.revokeAll();
    await Promise.all(this.#tiers.map((tier) => tier.close(this.#ownsTiers)));
  }

  async #write(key: string, fill: Fill, storedAt: number, under: Snapshot, stamped: boolean): Promise<void> {
    const item = entryItemOf(fill, storedAt, under, this.#codec.encode(fill.value));
    const now = this.now();
    if (keptUntil(item) > now) await this.#writer.entry(key, item, under, stamped, now);
    else await this.#writer.removal(key, stamped ? under.key : goneStamp(under.key, now));
  }

  #discard(key: string, name: string, error: CorruptEntryError, written: unknown): void {
    if (this.#discarding.has(name)) return;
    this.#discarding.add(name);
    this.#onCorrupt?.(key, error);
    this.#mutex
      .take(key, () => this.#writer.discard(name, written))
      .catch(() => {
        // The next read finds the item again and tries again.
      })
      .finally(() => this.#discarding.delete(name));
  }
}

/** Before now: a read in the same millisecond must find it stale. */
function staleFill(fill: Fill, storedAt: number, now: number): Fill {
  return { ...fill, ttl: Math.min(fill.ttl, now - 1 - storedAt) };
}

function releaseResult(result: CommitResult): ReleaseResult {
  if (result === 'stored') return 'held';
  return result === 'lost' ? 'lost' : 'revoked';
}
