import { randomBytes } from 'node:crypto';
import type { Failure, Fill } from '../core/entry.js';
import type { CommitResult } from '../core/ports.js';
import { type EntryItem, keptUntil } from './entry-item.js';
import type { FailureItem } from './failure-item.js';
import { type Stamp, UNSTAMPED } from './stamp.js';

/** Everything that a tier holds about one key, read at one time. */
export interface Snapshot {
  readonly item: EntryItem | undefined;
  readonly failure: FailureItem | undefined;
  readonly cleared: Stamp;
  readonly key: Stamp;
  readonly job: Stamp;
  /** Has at least the tags of `item`. */
  readonly tags: ReadonlyMap<string, Stamp>;
  readonly tagClock: Stamp;
}

/** What remains of a snapshot after its stamps have been applied. */
export interface Standing {
  readonly item: EntryItem | undefined;
  /** That of `item`, or a time in the past if an invalidation made it stale. */
  readonly freshUntil: number;
  readonly failure: Failure | undefined;
}

export function standing(snapshot: Snapshot, now: number): Standing {
  const { item } = snapshot;
  if (item === undefined) return { item, freshUntil: 0, failure: failureOf(snapshot, undefined, now) };
  let { freshUntil } = item;
  const stamped = item.known.map((known, n) => [known, stampAt(snapshot, item, n)] as const);
  // An entry without a stamp of its job was written by an older release, so it is compared by the time at which it was
  // stored.
  stamped.push([item.job ?? item.storedAt, snapshot.job]);
  for (const [known, stamp] of stamped) {
    if (stamp.at <= known) continue;
    // A remembered error cannot be stale: an invalidation removes it.
    if (stamp.gone > known || item.kind === 'error') {
      return { item: undefined, freshUntil: 0, failure: failureOf(snapshot, '', now) };
    }
    // Strictly before now, so that a read in the same millisecond finds the entry stale.
    const since = stamp.since > known ? stamp.since : stamp.at;
    freshUntil = Math.min(freshUntil, since - 1, now - 1);
  }
  return { item, freshUntil, failure: failureOf(snapshot, item.generation, now) };
}

export function isServable({ item, freshUntil }: Standing, now: number): boolean {
  return item !== undefined && now <= freshUntil + item.grace && now <= keptUntil(item);
}

/**
 * Whether the entry is still the one that a reader saw. An entry that may no longer be served keeps its generation,
 * since nothing replaced it. A reader that counted it as absent passes an empty generation, and that matches as well.
 */
export function isGeneration(found: Standing, generation: string, now: number): boolean {
  return generation === (found.item?.generation ?? '') || (generation === '' && !isServable(found, now));
}

/**
 * Whether a fetch that began at `before` may be stored over `after`. It may not if another process has written, removed
 * or invalidated the entry that it would replace, or has invalidated one of the tags that the new value has.
 */
export function commitResult(before: Snapshot, after: Snapshot, tags: readonly string[], now: number): CommitResult {
  if (after.cleared.at > before.cleared.at) return 'lost';
  if (after.key.gone > before.key.at || after.job.gone > before.job.at) return 'lost';
  const former = standing(before, now).item;
  let revoked = after.key.at > before.key.at || after.job.at > before.job.at;
  let removed = false;
  // All tags share a clock, because nobody knows at the start of a fetch which tags its value will have.
  if (after.tagClock.at !== before.tagClock.at) {
    for (const tag of former?.tags ?? []) {
      const stamp = after.tags.get(tag);
      if (stamp !== undefined && stamp.gone > before.tagClock.at) return 'lost';
      revoked ||= stamp !== undefined && stamp.at > before.tagClock.at;
    }
    revoked ||= tags.some((tag) => (after.tags.get(tag)?.at ?? 0) > before.tagClock.at);
    removed = tags.some((tag) => (after.tags.get(tag)?.gone ?? 0) > before.tagClock.at);
  }
  const present = standing(after, now).item;
  if (revoked) {
    const isReplacing =
      present?.kind === 'value' && present.generation === former?.generation && isServable(standing(after, now), now);
    return isReplacing && !removed ? 'stale' : 'revoked';
  }
  if (present?.generation === former?.generation) return 'stored';
  const timeIsOver = present === undefined && former !== undefined && now > keptUntil(former);
  return timeIsOver ? 'stored' : 'lost';
}

function stampAt({ cleared, key, tags }: Snapshot, item: EntryItem, position: number): Stamp {
  if (position === 0) return cleared;
  if (position === 1) return key;
  return tags.get(item.tags[position - 2] ?? '') ?? UNSTAMPED;
}

/** Failures outlive an entry that has expired, but not one that was replaced or removed. */
function failureOf(snapshot: Snapshot, generation: string | undefined, now: number): Failure | undefined {
  const { failure, cleared, key, job } = snapshot;
  if (failure === undefined || now > failure.keepUntil) return undefined;
  if (cleared.at > failure.known[0] || key.gone > failure.known[1] || job.gone > failure.at) return undefined;
  if (generation !== undefined && generation !== failure.of) return undefined;
  const { count, message, at, retryAt } = failure;
  return { count, message, at, retryAt };
}

/** An item for a fill under the stamps of a snapshot. Each item has a generation of its own. */
export function entryItemOf(
  { kind, inheritedAge = 0, ttl, grace, tags }: Fill,
  storedAt: number,
  under: Snapshot,
  bytes: Buffer,
): EntryItem {
  return {
    kind,
    storedAt,
    freshUntil: storedAt + ttl,
    // A remembered error is never served past its ttl.
    grace: kind === 'error' ? 0 : grace,
    generation: randomBytes(9).toString('base64url'),
    tags,
    known: [under.cleared.at, under.key.at, ...tags.map((tag) => under.tags.get(tag)?.at ?? 0)],
    job: under.job.at,
    inheritedAge,
    body: bytes.toString('base64'),
  };
}

/**
 * `after` with the stamps from before the fetch. An entry written under it counts as invalidated for every reader,
 * whatever its clock.
 */
export function outdated(before: Snapshot, after: Snapshot): Snapshot {
  const { key, job, tagClock } = before;
  const tags = [...after.tags.keys()].map((tag) => [tag, before.tags.get(tag) ?? tagClock] as const);
  return { ...after, key, job, tags: new Map(tags) };
}
