import { ageOf, type Entry } from './entry.js';

/**
 * What to do with the entry that the store returned.
 *
 * `fresh` serve it. `fresh-ageing` serve it and request a refresh: `refreshAhead` of the ttl has passed. `stale` serve
 * it and request a refresh. `stale-backoff` serve it; a refresh has failed and no process may try again yet.
 * `too-stale` fetch in the caller, and serve it if that fails. `miss` there is nothing that may be served.
 */
export type Decision = 'fresh' | 'fresh-ageing' | 'stale' | 'stale-backoff' | 'too-stale' | 'miss';

export interface Staleness {
  /** Fraction of the ttl after which a read of a fresh value requests a refresh; 1 is never. */
  readonly refreshAhead: number;
  /** Age in milliseconds above which a stale value is too stale; `Infinity` is never. */
  readonly fetchOnStaleThreshold: number;
}

/** Pure, and the only place that compares an entry with the time. All bounds are inclusive: exactly at ttl is fresh. */
export function decide(entry: Entry | undefined, staleness: Staleness, now: number): Decision {
  if (entry === undefined || entry.kind === 'vacant') return 'miss';
  if (isFresh(entry, now)) {
    // A remembered error keeps readers from the origin for the whole of its ttl, so nothing refreshes it ahead.
    if (staleness.refreshAhead >= 1 || entry.kind === 'error') return 'fresh';
    const ageingFrom = entry.storedAt + (entry.freshUntil - entry.storedAt) * staleness.refreshAhead;
    return now > ageingFrom && !backingOff(entry, now) ? 'fresh-ageing' : 'fresh';
  }
  // A remembered error is never served past its ttl: the next reader fetches.
  if (entry.kind === 'error' || now > entry.freshUntil + entry.grace) return 'miss';
  if (backingOff(entry, now)) return 'stale-backoff';
  return ageOf(entry, now) > staleness.fetchOnStaleThreshold ? 'too-stale' : 'stale';
}

/** Milliseconds by which two processes' views of one clock may differ. */
const CLOCK_SLACK = 1_000;

/**
 * An entry that is fresh until a time before it was stored was invalidated for good: a store's server may set its clock back,
 * and then the time of the invalidation alone would be in the future again. An entry from the future was stored before the
 * clock was set back; how old it is, nobody knows.
 */
export function isFresh({ freshUntil, storedAt }: Entry, now: number): boolean {
  return now <= freshUntil && freshUntil >= storedAt && !isFromTheFuture(storedAt, now);
}

/** Whether the store's clock was set back since, or this process does not know yet that it was set forward. */
export function isFromTheFuture(instant: number, now: number): boolean {
  return instant > now + CLOCK_SLACK;
}

/**
 * Whether a refresh of this entry has failed and the backoff has not passed yet. A failure from the future does not count:
 * the clock of the store was set back, and the backoff would last longer by as much.
 */
export function backingOff({ failure }: Entry, now: number): boolean {
  return failure !== undefined && now < failure.retryAt && !isFromTheFuture(failure.at, now);
}
