import type { ItemNames } from './item-names.js';
import type { ItemWriter } from './item-writer.js';
import type { SnapshotReader } from './snapshot-reader.js';
import { goneStamp, staleStamp, type Stamp, UNSTAMPED } from './stamp.js';
import { KeyMutex } from './key-mutex.js';

/**
 * Writes the stamps that many entries share: of tags, of whole jobs, and of `clear`. One at a time, so that in this
 * process each stamp is later than the one before.
 */
export class SharedStamps {
  readonly #mutex = new KeyMutex();

  constructor(
    private readonly names: ItemNames,
    private readonly reader: SnapshotReader,
    private readonly writer: ItemWriter,
    private readonly now: () => number,
  ) {}

  tags(tags: readonly string[], removes: boolean): Promise<void> {
    return this.#mutex.take('', async () => {
      const unique = [...new Set(tags)];
      const [clock = UNSTAMPED, ...previous] = await this.reader.readStamps([
        this.names.tagClock,
        ...unique.map((tag) => this.names.tag(tag)),
      ]);
      let latest = staleStamp(clock, this.now());
      const stamps = new Map<string, Stamp>();
      for (const [n, tag] of unique.entries()) {
        const before = previous[n] ?? UNSTAMPED;
        const stamp = removes ? goneStamp(before, latest.at) : staleStamp(before, latest.at);
        stamps.set(tag, stamp);
        if (stamp.at > latest.at) latest = staleStamp(clock, stamp.at);
      }
      await this.writer.tags(stamps, latest);
    });
  }

  job(keyPrefix: string, removes: boolean): Promise<void> {
    return this.#mutex.take('', async () => {
      const [previous = UNSTAMPED] = await this.reader.readStamps([this.names.job(keyPrefix)]);
      await this.writer.job(keyPrefix, (removes ? goneStamp : staleStamp)(previous, this.now()));
    });
  }

  everything(): Promise<void> {
    return this.#mutex.take('', async () => {
      const [previous = UNSTAMPED] = await this.reader.readStamps([this.names.cleared]);
      await this.writer.cleared(goneStamp(previous, this.now()));
    });
  }
}
