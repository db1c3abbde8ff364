import { decide } from '../decide.js';
import type { Entry } from '../entry.js';
import { fetchInCaller, fetchWithoutStore } from './fetch-in-caller.js';
import { currentCollector } from '../job/read-collector.js';
import { currentFlow } from '../job/fetch-flow.js';
import type { JobCore } from '../job/job-core.js';
import type { Arguments, Target } from '../policy/policy.js';
import type { Awaitable } from '../ports.js';
import { countMiss, finish, keepArguments, type Form, type Read, serve } from './serve.js';

/**
 * A read, from top to bottom: key → store → decide → serve, or serve and request a refresh, or serve empty and request
 * a refresh, or fetch. It is synchronous when the store is. It never writes the entry.
 */
export function read<Result>(job: JobCore, target: Target, args: Arguments, form: Form<Result>): Awaitable<Result> {
  const prepared = job.prepare(target, args);
  const context = job.context.capture();
  const key = job.keys.of(target, prepared, context);
  const reading: Read<Result> = { job, target, args: prepared, isKept: false, arrival: 0, context, key, form };
  const found = job.store.read(key);
  return found instanceof Promise ? settleLater(reading, found) : settle(reading, found);
}

async function settleLater<Result>(reading: Read<Result>, found: Promise<Entry | undefined>): Promise<Result> {
  try {
    keepArguments(reading);
  } catch (error) {
    // Nobody waits for this answer any more, and its rejection must not be unhandled.
    found.catch(() => undefined);
    throw error;
  }
  let entry: Entry | undefined;
  try {
    entry = await found;
  } catch (error) {
    reading.job.reportStoreFailure('read', reading.key, error);
    return fetchWithoutStore(reading);
  }
  const settling = settle(reading, entry);
  // A promise that an async function returns costs each reader of a herd three turns of the microtask queue; one that it
  // awaits costs one.
  const result = settling instanceof Promise ? await settling : settling;
  return result;
}

/** The part of a read after the store has answered. */
export function settle<Result>(reading: Read<Result>, entry: Entry | undefined): Awaitable<Result> {
  const { job, target, args } = reading;
  if (entry === undefined) return miss(reading, undefined);
  const now = job.store.now();
  const decision = decide(entry, job.policy.staleness(target, args), now);
  switch (decision) {
    case 'fresh':
      return serve(reading, entry, 'hit', now, false);
    case 'fresh-ageing':
      job.requests.want(job, reading, entry);
      return serve(reading, entry, 'hit', now, true);
    case 'stale':
      if (currentFlow()?.buildsOnNew === true) {
        keepArguments(reading);
        return fetchInCaller(reading, entry);
      }
      job.requests.want(job, reading, entry);
      return serve(reading, entry, 'stale', now, true);
    case 'stale-backoff':
      return serve(reading, entry, 'stale', now, false);
    case 'too-stale':
      keepArguments(reading);
      return fetchInCaller(reading, entry);
    case 'miss':
      return miss(reading, entry);
  }
}

function miss<Result>(reading: Read<Result>, entry: Entry | undefined): Awaitable<Result> {
  keepArguments(reading);
  const { job, target, args } = reading;
  if (job.policy.fetchOnMiss(target, args)) return fetchInCaller(reading, undefined);
  const refreshing = entry?.failure === undefined || entry.failure.retryAt <= job.store.now();
  // The generation of an expired entry does not count: to the store the key is empty.
  if (refreshing) job.requests.want(job, reading, { generation: '', failure: entry?.failure });
  countMiss(reading, false);
  // Nothing is known of what `empty` returns, so it is fresh for no time at all.
  currentCollector()?.add({ status: 'miss', age: 0, freshFor: 0, staleFor: 0, stored: false, failed: false });
  const value = job.policy.empty(target, args);
  return finish(reading, value, 'miss', 0, refreshing, false);
}
