import { StoreError } from '../core/errors.js';
import { type EntryItem, keptUntil, writeEntryItem } from './entry-item.js';
import { type FailureItem, writeFailureItem } from './failure-item.js';
import type { ItemNames } from './item-names.js';
import type { Snapshot } from './snapshot.js';
import { CLEARED_LIFE, KEY_LIFE, type Stamp, TAG_LIFE, writeStamp } from './stamp.js';
import type { Tier, TierItem, Tiers } from './tier.js';

/** Writes items to all tiers, each with the time for which it is kept. */
export class ItemWriter {
  constructor(
    private readonly tiers: Tiers,
    private readonly names: ItemNames,
  ) {}

  /** `stamped`: the key's stamp is new and is written, too. */
  async entry(key: string, item: EntryItem, under: Snapshot, stamped: boolean, now: number): Promise<void> {
    const life = keptUntil(item) - now;
    const own = timed(
      this.names.entry(key),
      writeEntryItem(item),
      item.tags.length > 0 ? Math.min(life, TAG_LIFE) : life,
    );
    await this.#each(async (tier) => {
      await tier.writeMany(stamped ? [this.#key(key, under.key, 0), own] : [own]);
      if (under.failure !== undefined) await tier.removeMany([this.names.failure(key)]);
    });
  }

  /** Writes the key's stamp and removes its entry and its failures. */
  async removal(key: string, stamp: Stamp): Promise<void> {
    await this.#each(async (tier) => {
      await tier.writeMany([this.#key(key, stamp, 0)]);
      await tier.removeMany([this.names.entry(key), this.names.failure(key)]);
    });
  }

  /** `life`: for how many milliseconds the invalidated entry may still be stored. The stamp must outlive it. */
  async invalidation(key: string, stamp: Stamp, life: number): Promise<void> {
    await this.#each((tier) => tier.writeMany([this.#key(key, stamp, life)]));
  }

  async failure(key: string, item: FailureItem, now: number): Promise<void> {
    const own = timed(this.names.failure(key), writeFailureItem(item), item.keepUntil - now);
    await this.#each((tier) => tier.writeMany([own]));
  }

  async tags(stamps: ReadonlyMap<string, Stamp>, clock: Stamp): Promise<void> {
    const own = [...stamps].map(([tag, stamp]) => timed(this.names.tag(tag), writeStamp(stamp), TAG_LIFE));
    const common = timed(this.names.tagClock, writeStamp(clock), TAG_LIFE);
    await this.#each((tier) => tier.writeMany([...own, common]));
  }

  async job(keyPrefix: string, stamp: Stamp): Promise<void> {
    const own = timed(this.names.job(keyPrefix), writeStamp(stamp), CLEARED_LIFE);
    await this.#each((tier) => tier.writeMany([own]));
  }

  async cleared(stamp: Stamp): Promise<void> {
    await this.#each(async (tier) => {
      await tier.writeMany([timed(this.names.cleared, writeStamp(stamp), CLEARED_LIFE)]);
      tier.sweep([this.names.entry(''), this.names.failure('')]);
    });
  }

  /** Removes an item wherever it still equals `written`. */
  async discard(name: string, written: unknown): Promise<void> {
    await this.#each(async (tier) => {
      const [found] = await tier.readMany([name]);
      const same = typeof written === 'string' ? found === written : found !== undefined && typeof found !== 'string';
      if (same) await tier.removeMany([name]);
    });
  }

  /** Writes to every tier even when one of them fails. */
  async #each(write: (tier: Tier) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(this.tiers.map(write));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return;
    throw failed.reason instanceof StoreError ? failed.reason : new StoreError('write', { cause: failed.reason });
  }

  #key(key: string, stamp: Stamp, life: number): TierItem {
    return timed(this.names.key(key), writeStamp(stamp), Math.max(KEY_LIFE, life));
  }
}

function timed(name: string, text: string, life: number): TierItem {
  return { name, text, ttl: Math.max(1, Math.ceil(life)) };
}
