import { randomBytes } from 'node:crypto';

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
  Store,
  StoreCapabilities,
} from '../core/ports.js';
import type { CacheManagerStoreOptions } from './cache-manager-store-options.js';
import { type CacheCheck, checkTiers } from './check-tiers.js';
import { type EntryItem, keptUntil } from './entry-item.js';
import { EntryReader } from './entry-reader.js';
import { ItemNames } from './item-names.js';
import { ItemWriter } from './item-writer.js';
import { judgeCommit } from './judge-commit.js';
import { Leases } from './leases.js';
import { isGeneration, isServable, type Snapshot, standing } from './snapshot.js';
import { goneStamp, staleStamp } from './stamp.js';
import { type Tiers, tiersOfCache, tiersOfStores } from './tiers-of.js';
import { Turns } from './turns.js';
import { WideStamps } from './wide-stamps.js';

export type { CacheManagerStoreOptions } from './cache-manager-store-options.js';

/**
 * Entries in a cache of cache-manager, or in any store that Keyv has an adapter for.
 *
 * Such a store can read and write single items, and nothing else in one step. So leases hold in this process only: two
 * processes may fetch a cold key at the same time. What an entry was written under is remembered in it and compared at
 * each read, so that an invalidation by any process is final all the same: see `Stamp`.
 */
export class CacheManagerStore implements Store {
  readonly capabilities: StoreCapabilities;

  readonly #clock: Clock;
  readonly #codec: Codec;
  readonly #names: ItemNames;
  readonly #tiers: Tiers;
  readonly #ownsTiers: boolean;
  readonly #reader: EntryReader;
  readonly #writer: ItemWriter;
  readonly #leases = new Leases();
  readonly #turns = new Turns();
  readonly #wide: WideStamps;
  readonly #discarding = new Set<string>();
  readonly #onCorrupt: CacheManagerStoreOptions['onCorrupt'];

  constructor({ clock, codec, prefix, cache, stores = [], shared, onCorrupt }: CacheManagerStoreOptions) {
    this.#clock = clock;
    this.#codec = codec;
    this.#onCorrupt = onCorrupt;
    this.#names = new ItemNames(prefix);
    this.#ownsTiers = cache === undefined;
    this.#tiers = cache === undefined ? tiersOfStores(stores) : tiersOfCache(cache);
    this.#writer = new ItemWriter(this.#tiers, this.#names);
    this.#reader = new EntryReader(
      this.#tiers,
      this.#names,
      codec,
      () => this.now(),
      (key, name, error, written) => this.#discard(key, name, error, written),
    );
    this.#wide = new WideStamps(this.#names, this.#reader.last, this.#writer, () => this.now());
    this.capabilities = { shared: shared ?? this.#tiers.at(-1)?.local !== true, fence: 'process' };
  }

  /**
   * Whether the stores do what they are told. Rejects with a `ConfigurationError` where one answers something wrong;
   * one that does not answer is `unreachable`, which need not keep an application from starting.
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
    return this.#turns.take(key, async () => {
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
    return this.#turns.take(key, async () => {
      const held = this.#leases.end(lease, this.now());
      if (held === undefined) return 'lost';
      const { before } = held;
      const after = await this.#reader.last.readOne(key, [...new Set([...fill.tags, ...(before.item?.tags ?? [])])]);
      const result = judgeCommit(before, after, fill.tags, this.now());
      if (result === 'stored') await this.#write(key, fill, grantedAt, after, false);
      return result;
    });
  }

  release(lease: Lease, ending: LeaseEnding): Promise<void> {
    const { key } = lease;
    return this.#turns.take(key, async () => {
      if (this.#leases.end(lease, this.now()) === undefined || ending.kind === 'unfilled') return;
      const found = await this.#reader.last.readOne(key);
      const now = this.now();
      if (ending.kind === 'gone') {
        await this.#writer.removal(key, goneStamp(found.key, now));
        return;
      }
      const { item, failure } = standing(found, now);
      // Past the next attempts, so that failures in a row are counted as such.
      const keepUntil = Math.max(item === undefined ? 0 : keptUntil(item), now + 2 * ending.retryIn + 60_000);
      const { message, retryIn } = ending;
      const count = (failure?.count ?? 0) + 1;
      const of = item?.generation ?? '';
      const known = [found.cleared.at, found.key.at] as const;
      await this.#writer.failure(key, { count, message, at: now, retryAt: now + retryIn, of, known, keepUntil }, now);
    });
  }

  set(key: string, fill: Fill): Promise<void> {
    return this.#turns.take(key, async () => {
      this.#leases.revoke(key);
      const found = await this.#reader.last.readOne(key, [...new Set(fill.tags)]);
      const now = this.now();
      await this.#write(key, fill, now, { ...found, key: goneStamp(found.key, now) }, true);
    });
  }

  invalidate(key: string): Promise<Invalidation> {
    return this.#turns.take(key, async () => {
      const found = await this.#reader.last.readOne(key);
      const now = this.now();
      const held = this.#leases.holder(key, now) !== undefined;
      const present = standing(found, now);
      const life = found.item === undefined ? 0 : keptUntil(found.item) - now;
      const again = found.item !== undefined && found.key.at > (found.item.known[1] ?? 0);
      // Also where there is nothing: another process may be fetching it.
      await this.#writer.invalidation(key, staleStamp(found.key, now, again), life);
      if (!isServable(present, now) || present.item?.kind !== 'value') return { found: false, held, generation: '' };
      return { found: true, held, generation: present.item.generation, failure: present.failure };
    });
  }

  delete(key: string): Promise<boolean> {
    return this.#turns.take(key, async () => {
      this.#leases.revoke(key);
      const found = await this.#reader.last.readOne(key);
      const now = this.now();
      await this.#writer.removal(key, goneStamp(found.key, now));
      return isServable(standing(found, now), now);
    });
  }

  /** One read and one write, however many entries have the tags: each entry finds out when it is read. */
  async invalidateTags(tags: readonly string[]): Promise<void> {
    if (tags.length > 0) await this.#wide.tags(tags, false);
  }

  async deleteTags(tags: readonly string[]): Promise<void> {
    this.#leases.revokeTagged(tags, this.now());
    if (tags.length > 0) await this.#wide.tags(tags, true);
  }

  /** Entries elsewhere than in a Map stay where they are, unseen, until their time is over. */
  async clear(): Promise<void> {
    this.#leases.revokeAll();
    await this.#wide.everything();
  }

  async close(): Promise<void> {
    this.#leases.revokeAll();
    await Promise.all(this.#tiers.map((tier) => tier.close(this.#ownsTiers)));
  }

  async #write(key: string, fill: Fill, storedAt: number, under: Snapshot, stamped: boolean): Promise<void> {
    const item = this.#itemOf(fill, storedAt, under);
    const now = this.now();
    if (keptUntil(item) > now) await this.#writer.entry(key, item, under, stamped, now);
    else await this.#writer.removal(key, stamped ? under.key : goneStamp(under.key, now));
  }

  #itemOf({ kind, value, ttl, grace, tags }: Fill, storedAt: number, under: Snapshot): EntryItem {
    return {
      kind,
      storedAt,
      freshUntil: storedAt + ttl,
      // A remembered error is never served past its ttl.
      grace: kind === 'error' ? 0 : grace,
      generation: randomBytes(9).toString('base64url'),
      tags,
      known: [under.cleared.at, under.key.at, ...tags.map((tag) => under.tags.get(tag)?.at ?? 0)],
      body: this.#codec.encode(value).toString('base64'),
    };
  }

  #discard(key: string, name: string, error: CorruptEntryError, written: unknown): void {
    if (this.#discarding.has(name)) return;
    this.#discarding.add(name);
    this.#onCorrupt?.(key, error);
    this.#turns
      .take(key, () => this.#writer.discard(name, written))
      .catch(() => {
        // The next one who reads it tries again.
      })
      .finally(() => this.#discarding.delete(name));
  }
}
