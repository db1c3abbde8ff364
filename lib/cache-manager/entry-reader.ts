import type { Entry } from '../core/entry.js';
import { CorruptEntryError } from '../core/errors.js';
import type { Codec } from '../core/ports.js';
import { type EntryItem, writeEntryItem } from './entry-item.js';
import type { ItemNames } from './item-names.js';
import { type Snapshot, standing } from './snapshot.js';
import { type OnCorrupt, SnapshotReader } from './snapshot-reader.js';
import type { Tiers } from './tier.js';

/**
 * Reads entries from the nearest tier that has a valid answer. An upper tier is trusted only while its entry is fresh,
 * because no process learns what another one wrote or invalidated in the last tier. The last tier is always trusted.
 */
export class EntryReader {
  /** Reads the last tier, whose answer decides. */
  readonly last: SnapshotReader;
  readonly #upper: readonly SnapshotReader[];

  constructor(
    tiers: Tiers,
    private readonly names: ItemNames,
    private readonly codec: Codec,
    private readonly now: () => number,
    private readonly onCorrupt: OnCorrupt,
  ) {
    const [...readers] = tiers.map((tier) => new SnapshotReader(tier, names, onCorrupt));
    this.last = readers.pop() as SnapshotReader;
    this.#upper = readers;
  }

  /** Answers in the order of `keys`. */
  async read(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    const found = new Map<string, Entry>();
    let open = [...new Set(keys)];
    for (const reader of this.#upper) {
      for (const [key, entry] of await this.#readUpper(reader, open)) found.set(key, entry);
      const now = this.now();
      open = open.filter((key) => (found.get(key)?.freshUntil ?? -Infinity) < now);
    }
    if (open.length > 0) await this.#readLast(open, found);
    return keys.map((key) => found.get(key));
  }

  /** The entry that a reader sees in a snapshot. */
  entryOf(key: string, snapshot: Snapshot, now: number): Entry | undefined {
    const { item, freshUntil, failure } = standing(snapshot, now);
    if (item !== undefined) {
      const { kind, storedAt, inheritedAge, grace, generation, tags } = item;
      const decoded = this.#decode(key, item);
      if (decoded !== undefined) {
        return {
          kind,
          value: decoded.value,
          copyOnRead: false,
          // Hosts whose clocks differ would refresh each other's entries for ever, as if they were of the future.
          storedAt: Math.min(storedAt, now),
          inheritedAge,
          freshUntil,
          grace,
          generation,
          tags,
          failure,
        };
      }
    }
    if (failure === undefined) return undefined;
    const { at } = failure;
    return { ...VACANT, storedAt: at, freshUntil: at, failure };
  }

  /** A failing upper tier is skipped, since the last tier decides anyway. */
  async #readUpper(reader: SnapshotReader, keys: readonly string[]): Promise<readonly [string, Entry][]> {
    try {
      const snapshots = await reader.read(keys);
      return this.#entries(keys, snapshots);
    } catch {
      return [];
    }
  }

  async #readLast(keys: readonly string[], found: Map<string, Entry>): Promise<void> {
    let snapshots: readonly Snapshot[];
    try {
      snapshots = await this.last.read(keys);
    } catch (error) {
      // The last tier is down, and the upper tiers have an entry for every key: an old value is better than an error.
      if (keys.every((key) => found.has(key))) return;
      throw error;
    }
    for (const key of keys) found.delete(key);
    for (const [key, entry] of this.#entries(keys, snapshots)) found.set(key, entry);
  }

  #entries(keys: readonly string[], snapshots: readonly Snapshot[]): readonly [string, Entry][] {
    const now = this.now();
    return snapshots.flatMap((snapshot, n): [string, Entry][] => {
      const key = keys[n] ?? '';
      const entry = this.entryOf(key, snapshot, now);
      return entry === undefined ? [] : [[key, entry]];
    });
  }

  #decode(key: string, item: EntryItem): { readonly value: unknown } | undefined {
    try {
      return { value: this.codec.decode(Buffer.from(item.body, 'base64')) };
    } catch (cause) {
      const error =
        cause instanceof CorruptEntryError ? cause : new CorruptEntryError('its value is damaged', { key, cause });
      this.onCorrupt(key, this.names.entry(key), error, writeEntryItem(item));
      return undefined;
    }
  }
}

const VACANT = { kind: 'vacant', value: undefined, copyOnRead: false, grace: 0, generation: '', tags: [] } as const;
