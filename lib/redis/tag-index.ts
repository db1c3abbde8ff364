import { StoreError } from '../core/errors.js';
import type { KeyNames } from './key-names.js';
import type { RedisLink, Reply } from './redis-link.js';

/**
 * How long the stamp of an invalidated tag is kept. A fetch of a tagged value that takes longer is refused, because the
 * stamp that would concern it may be gone.
 */
const STAMP_LIFETIME = 6 * 3_600_000;

/** The clocks of a Cluster's servers may differ by this much. */
const CLOCK_SLACK = 60_000;

const BATCH = '500';

/** What happened to a tag; `removed` also when that is no longer known. */
export type TagChange = 'none' | 'invalidated' | 'removed';

/**
 * Which keys have a tag, and when a tag was last invalidated. In a Cluster a tag and its keys are on different servers,
 * so no script can see both. The order of the steps makes it free of races all the same:
 *
 * A commit adds its key to the index, *then* reads the stamp, *then* writes under its lease. An invalidation writes the
 * stamp, *then* goes through the index. So either the commit sees the stamp and is refused, or the invalidation sees
 * the key. In that case it revokes the lease that it finds, or makes the written entry stale.
 *
 * An invalidation removes keys from the index that no longer have the tag, unless they were added again since their
 * score was read. A key with a lease stays, since a commit may be between its first and its last step. A write without
 * a lease therefore adds its key once more at the end.
 */
export class TagIndex {
  constructor(
    private readonly link: RedisLink,
    private readonly names: KeyNames,
    /** Runs a function for every key of the store, whether it has tags or not. */
    private readonly forEveryKey: (act: (key: string) => Promise<unknown>) => Promise<void>,
  ) {}

  /**
   * Adds a key that will live for `lifetime` milliseconds to the index of its tags. Resolves to what happened to one of
   * them at or after `since`, which was `elapsed` milliseconds ago.
   */
  async enter(key: string, tags: readonly string[], lifetime: number, since: number, elapsed = 0): Promise<TagChange> {
    const { link, names } = this;
    const indexed = (lifetime + CLOCK_SLACK).toFixed(3);
    const replies = await Promise.all(
      tags.map((tag) =>
        link.run('tag', key, names.tagIndex(tag), names.tagStamp(tag), names.tagRemovalStamp(tag), key, indexed),
      ),
    );
    for (const [n, [, , , foreign]] of replies.entries())
      if (String(foreign) === '1') await this.#rebuild(tags[n] ?? '');
    const isSince = (now: Reply[number] | undefined, stamp: Reply[number] | undefined): boolean =>
      Number(stamp) >= startOf(since, elapsed, now);
    const isOver = replies.some(([now, , removed]) => isSince(now, removed) || isForgotten(now, since));
    if (isOver) return 'removed';
    return replies.some(([now, stamp]) => isSince(now, stamp)) ? 'invalidated' : 'none';
  }

  /** Whether one of the tags was invalidated or removed at or after `since`. */
  async isChangedSince(tags: readonly string[], since: number, elapsed = 0): Promise<boolean> {
    const replies = await Promise.all(tags.map((tag) => this.link.run('stamped', undefined, this.names.tagStamp(tag))));
    return replies.some(([now, stamp]) => Number(stamp) >= startOf(since, elapsed, now) || isForgotten(now, since));
  }

  async forEach(tags: readonly string[], script: 'invalidateTagged' | 'deleteTagged'): Promise<void> {
    const unique = [...new Set(tags)];
    const lifetime = String(STAMP_LIFETIME);
    const stamp = (name: string): Promise<Reply> => this.link.run('stamp', undefined, name, lifetime);
    // A removal writes both stamps, since an older release knows only that of invalidations.
    if (script === 'deleteTagged') await Promise.all(unique.map((tag) => stamp(this.names.tagRemovalStamp(tag))));
    await Promise.all(unique.map((tag) => stamp(this.names.tagStamp(tag))));
    for (const tag of unique) await this.#forEachOf(tag, script);
  }

  async #forEachOf(tag: string, script: 'invalidateTagged' | 'deleteTagged'): Promise<void> {
    const { link, names } = this;
    const index = names.tagIndex(tag);
    const actOn = (key: string): Promise<Reply> => link.run(script, key, names.entry(key), names.lease(key), tag);
    const [, foreign] = await link.run('healIndex', undefined, index);
    if (String(foreign) === '1') await this.#rebuild(tag);
    const failures: unknown[] = [];
    let cursor = '0';
    do {
      const [next, scored] = await this.#scan(index, cursor);
      const over: string[] = [];
      await Promise.all(
        scored.map(async ([key, score]) => {
          try {
            const [, nothingLeft] = await actOn(key);
            if (String(nothingLeft) === '1') over.push(key, score);
          } catch (error) {
            // The others are done all the same.
            failures.push(error);
          }
        }),
      );
      if (over.length > 0) await link.run('untag', undefined, index, ...over);
      cursor = next;
    } while (cursor !== '0');
    if (failures.length > 0) throw failures[0];
  }

  /**
   * Somebody wrote another value in the place of the index, so nobody knows its keys any more. All entries are looked at.
   */
  async #rebuild(tag: string): Promise<void> {
    const { link, names } = this;
    await this.forEveryKey(async (key) => {
      const [, hasTag, life] = await link.run('tagged', key, names.entry(key), tag);
      if (String(hasTag) !== '1') return;
      const indexed = (Number(life) + CLOCK_SLACK).toFixed(3);
      await link.run('tag', key, names.tagIndex(tag), names.tagStamp(tag), names.tagRemovalStamp(tag), key, indexed);
    });
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

/** A difference of the clocks that is noticed, in milliseconds. Less is the time of a round trip. */
const STEP = 500;

/**
 * The beginning of a fetch on the clock that wrote a stamp: `since`, unless the server that answers was set back meanwhile
 * or is another one, whose clock is behind.
 */
function startOf(since: number, elapsed: number, now: Reply[number] | undefined): number {
  const start = Number(now) - elapsed;
  return elapsed > 0 && start < since - STEP ? start : since;
}

/** Whether stamps from that time have expired. */
function isForgotten(now: Reply[number] | undefined, since: number): boolean {
  return Number(now) - since > STAMP_LIFETIME;
}
