import type { Failure } from '../core/entry.js';
import { type EntryItem, keptUntil } from './entry-item.js';
import type { FailureItem } from './failure-item.js';
import { type Stamp, UNSTAMPED } from './stamp.js';

/** All that a tier holds about one key, read at one time. */
export interface Snapshot {
  readonly item: EntryItem | undefined;
  readonly failure: FailureItem | undefined;
  readonly cleared: Stamp;
  readonly key: Stamp;
  /** Of at least the tags of `item`. */
  readonly tags: ReadonlyMap<string, Stamp>;
  readonly tagClock: Stamp;
}

/** What is left of a snapshot once its stamps are heeded. */
export interface Standing {
  readonly item: EntryItem | undefined;
  /** Of `item`; an invalidation moved it to the past. */
  readonly freshUntil: number;
  readonly failure: Failure | undefined;
}

export function standing(snapshot: Snapshot, now: number): Standing {
  const { item } = snapshot;
  if (item === undefined) return { item, freshUntil: 0, failure: failureOf(snapshot, undefined, now) };
  let { freshUntil } = item;
  for (const [n, known] of item.known.entries()) {
    const stamp = stampAt(snapshot, item, n);
    if (stamp.at <= known) continue;
    // A remembered error has no stale state: invalidated, it is forgotten.
    if (stamp.gone > known || item.kind === 'error') {
      return { item: undefined, freshUntil: 0, failure: failureOf(snapshot, '', now) };
    }
    // Before now: a read in the same millisecond must find it stale.
    const since = stamp.since > known ? stamp.since : stamp.at;
    freshUntil = Math.min(freshUntil, since - 1, now - 1);
  }
  return { item, freshUntil, failure: failureOf(snapshot, item.generation, now) };
}

export function isServable({ item, freshUntil }: Standing, now: number): boolean {
  return item !== undefined && now <= freshUntil + item.grace && now <= keptUntil(item);
}

/**
 * Whether the entry is still what a reader saw. Also one that may no longer be served has its generation, since nobody
 * replaced it; to a reader who counted it as nothing it is nothing.
 */
export function isGeneration(found: Standing, generation: string, now: number): boolean {
  return generation === (found.item?.generation ?? '') || (generation === '' && !isServable(found, now));
}

function stampAt({ cleared, key, tags }: Snapshot, item: EntryItem, position: number): Stamp {
  if (position === 0) return cleared;
  if (position === 1) return key;
  return tags.get(item.tags[position - 2] ?? '') ?? UNSTAMPED;
}

/** Failures outlive an entry whose time is over, but not one that was replaced or removed. */
function failureOf(snapshot: Snapshot, generation: string | undefined, now: number): Failure | undefined {
  const { failure, cleared, key } = snapshot;
  if (failure === undefined || now > failure.keepUntil) return undefined;
  if (cleared.at > failure.known[0] || key.gone > failure.known[1]) return undefined;
  if (generation !== undefined && generation !== failure.of) return undefined;
  const { count, message, at, retryAt } = failure;
  return { count, message, at, retryAt };
}
