import { type Entry, servableUntil } from '../entry.js';
import { currentFlow } from '../job/fetch-flow.js';
import type { Filled } from '../job/filled.js';
import { currentCollector } from '../job/read-collector.js';
import type { Awaitable } from '../ports.js';
import { countMiss, finish, type Read, serve } from './serve.js';

/** What the outcome of a fill means for a reader that waited for it. */
export function conclude<Result>(reading: Read<Result>, filled: Filled, stale: Entry | undefined): Awaitable<Result> {
  const { job } = reading;
  const sinceStart = Math.max(0, job.store.now() - filled.startedAt);
  const dependencies = currentFlow()?.dependencies;
  const collector = currentCollector();
  if (filled.kind === 'failed') {
    dependencies?.add(sinceStart, filled.tags);
    return fallBack(reading, filled.error, filled.decision === 'stale' ? stale : undefined);
  }
  countMiss(reading, true);
  if (filled.kind === 'refused') {
    dependencies?.add(sinceStart, []);
    collector?.add({ status: 'miss', age: sinceStart / 1_000, freshFor: 0, staleFor: 0, stored: false, failed: false });
    return finish(reading, filled.value, 'miss', sinceStart / 1_000, false, true);
  }
  const { made } = filled;
  const age = sinceStart + (made.inheritedAge ?? 0);
  dependencies?.add(age, made.tags);
  collector?.add({
    status: 'miss',
    age: age / 1_000,
    freshFor: (made.ttl - sinceStart) / 1_000,
    staleFor: made.grace / 1_000,
    stored: filled.kind === 'stored',
    failed: false,
  });
  return finish(reading, job.forReader(made), 'miss', age / 1_000, false, true);
}

/** After a failed fetch: the stale value if it may still be served, else the original error. */
export function fallBack<Result>(reading: Read<Result>, error: unknown, stale: Entry | undefined): Awaitable<Result> {
  const now = reading.job.store.now();
  if (stale !== undefined && now <= servableUntil(stale)) {
    return serve(reading, stale, 'stale', now, false, true);
  }
  countMiss(reading, true, error);
  throw error;
}
