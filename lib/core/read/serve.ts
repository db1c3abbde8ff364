import { isFresh } from '../decide.js';
import { ageOf, type Entry } from '../entry.js';
import { currentFlow } from '../job/fetch-flow.js';
import type { Reading } from '../job/job.js';
import { type CollectedRead, currentCollector } from '../job/read-collector.js';
import type { JobCore } from '../job/job-core.js';
import type { Arguments, Target } from '../policy/policy.js';
import type { Awaitable } from '../ports.js';

/** A running read, which ends in a `Result`. */
export interface Read<Result> {
  readonly job: JobCore;
  readonly target: Target;
  /** The caller's own arguments, which the caller may change later; a copy of them after `keepArguments`. */
  args: Arguments;
  isKept: boolean;
  /** The position of this read among the reads of the job; set by `keepArguments`. */
  arrival: number;
  /** The context captured at the call; a copy of it after `keepArguments`. */
  context: unknown;
  readonly key: string;
  readonly form: Form<Result>;
}

/**
 * Makes the result of a read: the value alone, or the value with how it came. A hit of the first kind allocates nothing
 * for the second.
 */
export type Form<Result> = (value: unknown, status: Reading['status'], age: number, refreshing: boolean) => Result;

export const asValue: Form<unknown> = (value) => value;

export const asReading: Form<Reading> = (value, status, age, refreshing) => ({
  value,
  status,
  age,
  refreshing,
});

/**
 * Call it before the caller continues, wherever the arguments are needed later. Not called for a hit from memory, which
 * would pay for the copy. Throws an `UnkeyableArgumentError` for arguments that a background refresh could not be
 * given.
 */
export function keepArguments(reading: Read<unknown>): void {
  if (reading.isKept) return;
  reading.args = reading.job.argumentCopies.copy(reading.args);
  reading.context = reading.job.context.copy(reading.context);
  reading.arrival = reading.job.unstored.arrive();
  reading.isKept = true;
}

/** `fetched`: this read waited for a fetch that failed. */
export function serve<Result>(
  reading: Read<Result>,
  entry: Entry,
  status: 'hit' | 'stale',
  now: number,
  refreshing: boolean,
  fetched = false,
): Awaitable<Result> {
  const { job, key } = reading;
  const milliseconds = ageOf(entry, now);
  currentFlow()?.dependencies?.add(milliseconds, entry.tags);
  const age = milliseconds / 1_000;
  currentCollector()?.add(collected(entry, status, age, now));
  job.counters.served(status, milliseconds);
  // Not a closure, which would be allocated for every hit.
  const { observer } = job.environment;
  if (observer.active) {
    observer.observe(
      status === 'hit'
        ? { type: 'hit', job: job.name, key, age }
        : { type: 'stale', job: job.name, key, age, refreshing },
    );
  }
  const value = job.forReader(entry);
  if (entry.kind === 'error') throw job.environment.restoreError(value);
  return finish(reading, value, status, age, refreshing, fetched);
}

/** Serves an entry that another reader or process filled while this reader waited. */
export function deliver<Result>(reading: Read<Result>, entry: Entry, now: number): Awaitable<Result> {
  const age = ageOf(entry, now);
  currentFlow()?.dependencies?.add(age, entry.tags);
  const value = reading.job.forReader(entry);
  if (entry.kind === 'error') {
    const error = reading.job.environment.restoreError(value);
    countMiss(reading, false, error);
    throw error;
  }
  countMiss(reading, false);
  currentCollector()?.add(collected(entry, 'miss', age / 1_000, now));
  return finish(reading, value, 'miss', age / 1_000, false, false);
}

function collected(entry: Entry, status: CollectedRead['status'], age: number, now: number): CollectedRead {
  const remaining = (entry.freshUntil - now) / 1_000;
  const freshFor = isFresh(entry, now) ? remaining : Math.min(0, remaining);
  const staleFor = entry.grace / 1_000 + Math.min(0, freshFor);
  return { status, age, freshFor, staleFor, stored: true, failed: entry.kind === 'error' };
}

const FAILED: CollectedRead = { status: 'miss', age: 0, freshFor: 0, staleFor: 0, stored: false, failed: true };

export function countMiss(reading: Read<unknown>, fetched: boolean, error?: unknown): void {
  const { job, key } = reading;
  job.counters.misses++;
  if (error !== undefined) currentCollector()?.add(FAILED);
  job.tell(() => ({
    type: 'miss',
    job: job.name,
    key,
    fetched,
    ...(error === undefined ? {} : { error }),
  }));
}

/** The last step of every read. `fetched`: the read waited for a fetch. */
export function finish<Result>(
  reading: Read<Result>,
  value: unknown,
  status: Reading['status'],
  age: number,
  refreshing: boolean,
  fetched: boolean,
): Awaitable<Result> {
  if (reading.job.policy.processResult === undefined) {
    return reading.form(value, status, age, refreshing);
  }
  return process(reading, asReading(value, status, age, refreshing), fetched);
}

function process<Result>(
  { job, target, args, key, form }: Read<Result>,
  came: Reading,
  fetched: boolean,
): Awaitable<Result> {
  const { value, status, age, refreshing } = came;
  const read = { key, args, status, age, refreshing, fetched };
  const processed = job.policy.processResult?.(target, value, read);
  if (!(processed instanceof Promise)) return form(processed, status, age, refreshing);
  return processed.then((result: unknown) => form(result, status, age, refreshing));
}
