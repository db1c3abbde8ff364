import { StoreError } from '../core/errors.js';
import type { KeyNames } from './key-names.js';
import type { RedisLink } from './redis-link.js';

/**
 * How long the stamp of an invalidated tag is kept. A longer fetch of a tagged value is refused, since nobody can
 * tell any more.
 */
const STAMP_LIFETIME = 6 * 3_600_000;

/** The clocks of a Cluster's servers may differ by this much. */
const CLOCK_SLACK = 60_000;

const BATCH = '500';

/**
 * Which keys have a tag, and when a tag was last invalidated. In a Cluster a tag and its keys are on different servers,
 * so no script can see both. It is free of races all the same:
 *
 * A commit puts its key into the index, *then* reads the stamp, *then* writes under its lease. An invalidation writes
 * the stamp, *then* goes through the index. So either the commit sees the stamp and is refused, or the invalidation
 * sees the key: it finds the lease, and revokes it, or the written entry, and makes it stale.
 *
 * A key that has lost the tag leaves the index when an invalidation comes by, unless it was put in again since its score
 * was seen. With a lease on the key it stays: that is a commit between its first and its last step. A write without a
 * lease therefore puts its key in once more at the end.
 */
export class TaggedKeys {
  constructor(
    private readonly link: RedisLink,
    private readonly names: KeyNames,
  ) {}

  /**
   * Puts a key that will live for `lifetime` into the index of its tags. True: one of them was invalidated at or after
   * `since`.
   */
  async enter(key: string, tags: readonly string[], lifetime: number, since: number): Promise<boolean> {
    const indexed = (lifetime + CLOCK_SLACK).toFixed(3);
    const replies = await Promise.all(
      tags.map((tag) => this.link.run('tag', key, this.names.tagIndex(tag), this.names.tagStamp(tag), key, indexed)),
    );
    return replies.some(([now, stamp]) => Number(stamp) >= since || Number(now) - since > STAMP_LIFETIME);
  }

  async forEach(tags: readonly string[], script: 'invalidateTagged' | 'deleteTagged'): Promise<void> {
    const unique = [...new Set(tags)];
    const lifetime = String(STAMP_LIFETIME);
    await Promise.all(unique.map((tag) => this.link.run('stamp', undefined, this.names.tagStamp(tag), lifetime)));
    for (const tag of unique) await this.#forEachOf(tag, script);
  }

  async #forEachOf(tag: string, script: 'invalidateTagged' | 'deleteTagged'): Promise<void> {
    const index = this.names.tagIndex(tag);
    let cursor = '0';
    do {
      const [next, scored] = await this.#scan(index, cursor);
      const over: string[] = [];
      await Promise.all(
        scored.map(async ([key, score]) => {
          const [, nothingLeft] = await this.link.run(script, key, this.names.entry(key), this.names.lease(key), tag);
          if (String(nothingLeft) === '1') over.push(key, score);
        }),
      );
      if (over.length > 0) await this.link.run('untag', undefined, index, ...over);
      cursor = next;
    } while (cursor !== '0');
  }

  async #scan(index: string, cursor: string): Promise<[next: string, scored: [key: string, score: string][]]> {
    try {
      const [next, flat] = await this.link.client.zscan(index, cursor, 'COUNT', BATCH);
      const scored: [string, string][] = [];
      for (let i = 0; i < flat.length; i += 2) scored.push([flat[i] ?? '', flat[i + 1] ?? '']);
      return [next, scored];
    } catch (cause) {
      throw new StoreError('tags', { cause });
    }
  }
}
