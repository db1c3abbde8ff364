import { decide } from './decide.js';
import type { Entry } from './entry.js';
import { fetchInCaller, fetchWithoutStore } from './fetch-in-caller.js';
import type { JobCore } from './job-core.js';
import type { Arguments, Target } from './policy.js';
import type { Awaitable } from './ports.js';
import { countMiss, finish, type Form, type Read, serve } from './serve.js';

/**
 * A read, from top to bottom: key → store → decide → serve | serve and request a refresh | serve empty and request a
 * refresh | fetch. It answers without a promise when the store does. It never writes the entry.
 */
export function read<Result>(
  job: JobCore,
  target: Target,
  args: Arguments,
  form: Form<Result>,
): Awaitable<Result> {
  const prepared = job.prepare(target, args);
  const key = job.keys.of(target, prepared);
  const reading: Read<Result> = { job, target, args: prepared, key, form };
  const found = job.store.read(key);
  return found instanceof Promise ? settleLater(reading, found) : settle(reading, found);
}

async function settleLater<Result>(
  reading: Read<Result>,
  found: Promise<Entry | undefined>,
): Promise<Result> {
  let entry: Entry | undefined;
  try {
    entry = await found;
  } catch (error) {
    reading.job.reportStoreFailure('read', reading.key, error);
    return fetchWithoutStore(reading);
  }
  return settle(reading, entry);
}

/** From an entry to the end of the read. */
export function settle<Result>(
  reading: Read<Result>,
  entry: Entry | undefined,
): Awaitable<Result> {
  const { job, target, args, key } = reading;
  if (entry === undefined) return miss(reading, undefined);
  const now = job.store.now();
  const decision = decide(entry, job.policy.staleness(target, args), now);
  switch (decision) {
    case 'fresh':
      return serve(reading, entry, 'hit', now, false);
    case 'fresh-ageing':
      job.requests.want(job, key, args, entry);
      return serve(reading, entry, 'hit', now, true);
    case 'stale':
      job.requests.want(job, key, args, entry);
      return serve(reading, entry, 'stale', now, true);
    case 'stale-backoff':
      return serve(reading, entry, 'stale', now, false);
    case 'too-stale':
      return fetchInCaller(reading, entry);
    case 'miss':
      return miss(reading, entry);
  }
}

function miss<Result>(reading: Read<Result>, entry: Entry | undefined): Awaitable<Result> {
  const { job, target, args, key } = reading;
  if (job.policy.fetchOnMiss(target, args)) return fetchInCaller(reading, undefined);
  const refreshing = entry?.failure === undefined || entry.failure.retryAt <= job.store.now();
  // An expired entry is no generation to refresh: as far as the store is concerned there is nothing.
  if (refreshing) job.requests.want(job, key, args, { generation: '', failure: entry?.failure });
  countMiss(reading, false);
  const value = job.policy.empty(target, args);
  return finish(reading, value, 'miss', 0, refreshing, false);
}

