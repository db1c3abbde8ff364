import { type Entry, servableUntil } from './entry.js';
import type { Peeked } from './job.js';
import { copyPortable } from './portable.js';

/** An entry as `peek` shows it; undefined where there is none that may be served. */
export function toPeeked(entry: Entry | undefined, now: number): Peeked | undefined {
  if (entry === undefined || entry.kind === 'vacant' || now > servableUntil(entry)) return undefined;
  const value = entry.copyOnRead ? copyPortable(entry.value) : entry.value;
  const { failure } = entry;
  return {
    value: entry.kind === 'error' ? undefined : value,
    ...(entry.kind === 'error' ? { error: value } : {}),
    age: Math.max(0, now - entry.storedAt) / 1_000,
    storedAt: new Date(entry.storedAt),
    freshUntil: new Date(entry.freshUntil),
    staleUntil: new Date(servableUntil(entry)),
    status: now <= entry.freshUntil ? 'fresh' : 'stale',
    tags: entry.tags,
    failures: failure?.count ?? 0,
    ...(failure === undefined
      ? {}
      : { lastError: failure.message, nextAttempt: new Date(failure.retryAt) }),
  };
}
