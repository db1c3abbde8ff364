import { CorruptEntryError } from '../core/errors.js';
import { readEntryItem } from './entry-item.js';
import { readFailureItem } from './failure-item.js';
import { type ItemNames, jobPrefixOf } from './item-names.js';
import type { Snapshot } from './snapshot.js';
import { readStamp, type Stamp, UNSTAMPED } from './stamp.js';
import type { Tier } from './tier.js';

/** Receives the item as it was written, so that only this item is removed and not its replacement. */
export type OnCorrupt = (key: string, name: string, error: CorruptEntryError, written: unknown) => void;

/**
 * Reads everything that one tier holds about keys. An item that cannot be read counts as absent and is passed to
 * `onCorrupt`.
 */
export class SnapshotReader {
  constructor(
    private readonly tier: Tier,
    private readonly names: ItemNames,
    private readonly onCorrupt: OnCorrupt,
  ) {}

  /** Takes one round trip, and a second one when an entry has tags that are not among `tags`. */
  async read(keys: readonly string[], tags: readonly string[] = []): Promise<readonly Snapshot[]> {
    const { names } = this;
    const jobOf = keys.map(jobPrefixOf);
    const jobs = [...new Set(jobOf)];
    const common = [
      names.cleared,
      names.tagClock,
      ...tags.map((tag) => names.tag(tag)),
      ...jobs.map((job) => names.job(job)),
    ];
    const own = keys.flatMap((key) => [names.entry(key), names.key(key), names.failure(key)]);
    const answers = await this.tier.readMany([...common, ...own]);
    const take = answers[Symbol.iterator]();
    const next = <T>(key: string, name: string, parse: (written: unknown) => T): T | undefined =>
      this.#parse(key, name, take.next().value, parse);
    const cleared = next('', names.cleared, readStamp) ?? UNSTAMPED;
    const tagClock = next('', names.tagClock, readStamp) ?? UNSTAMPED;
    const stamps = new Map<string, Stamp>();
    for (const tag of tags) stamps.set(tag, next('', names.tag(tag), readStamp) ?? UNSTAMPED);
    const jobStamps = new Map<string, Stamp>();
    for (const job of jobs) jobStamps.set(job, next('', names.job(job), readStamp) ?? UNSTAMPED);
    const snapshots = keys.map((key, n) => ({
      item: next(key, names.entry(key), readEntryItem),
      key: next(key, names.key(key), readStamp) ?? UNSTAMPED,
      failure: next(key, names.failure(key), readFailureItem),
      job: jobStamps.get(jobOf[n] ?? '') ?? UNSTAMPED,
      cleared,
      tagClock,
      tags: stamps,
    }));
    const missing = [...new Set(snapshots.flatMap(({ item }) => item?.tags ?? []))].filter((tag) => !stamps.has(tag));
    const found = await this.readStamps(missing.map((tag) => names.tag(tag)));
    for (const [n, tag] of missing.entries()) stamps.set(tag, found[n] ?? UNSTAMPED);
    return snapshots;
  }

  async readOne(key: string, tags: readonly string[] = []): Promise<Snapshot> {
    const [snapshot] = await this.read([key], tags);
    if (snapshot === undefined) throw new RangeError('One key has one snapshot');
    return snapshot;
  }

  async readStamps(names: readonly string[]): Promise<readonly Stamp[]> {
    const answers = await this.tier.readMany(names);
    return names.map((name, n) => this.#parse('', name, answers[n], readStamp) ?? UNSTAMPED);
  }

  #parse<T>(key: string, name: string, written: unknown, parse: (written: unknown) => T): T | undefined {
    if (written === undefined) return undefined;
    try {
      return parse(written);
    } catch (error) {
      this.onCorrupt(
        key,
        name,
        error instanceof CorruptEntryError ? error : new CorruptEntryError(String(error)),
        written,
      );
      return undefined;
    }
  }
}
