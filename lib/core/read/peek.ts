import { isFresh } from '../decide.js';
import { ageOf, type Entry, servableUntil } from '../entry.js';
import { currentFlow } from '../job/fetch-flow.js';
import type { Peeked } from '../job/job.js';
import type { JobCore } from '../job/job-core.js';

/** An entry as `peek` returns it; undefined when there is none that may be served. */
export function toPeeked(job: JobCore, entry: Entry | undefined): Peeked | undefined {
  const now = job.store.now();
  if (entry === undefined || entry.kind === 'vacant' || now > servableUntil(entry)) return undefined;
  currentFlow()?.dependencies?.add(ageOf(entry, now), entry.tags);
  const value = job.forReader(entry);
  const { failure } = entry;
  return {
    value: entry.kind === 'error' ? undefined : value,
    ...(entry.kind === 'error' ? { error: job.environment.restoreError(value) } : {}),
    age: ageOf(entry, now) / 1_000,
    storedAt: new Date(entry.storedAt),
    freshUntil: new Date(entry.freshUntil),
    staleUntil: new Date(servableUntil(entry)),
    status: isFresh(entry, now) ? 'fresh' : 'stale',
    tags: entry.tags,
    failures: failure?.count ?? 0,
    ...(failure === undefined ? {} : { lastError: failure.message, nextAttempt: new Date(failure.retryAt) }),
  };
}
