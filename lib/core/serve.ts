import type { Entry } from './entry.js';
import type { Reading } from './job.js';
import type { JobCore } from './job-core.js';
import type { Arguments, Target } from './policy.js';
import { copyPortable } from './portable.js';
import type { Awaitable } from './ports.js';

/** One read under way, which will end in a `Result`. */
export interface Read<Result> {
  readonly job: JobCore;
  readonly target: Target;
  readonly args: Arguments;
  readonly key: string;
  readonly form: Form<Result>;
}

/** What a read ends in: a value alone, or with how it came. A hit of the first kind allocates nothing for the second. */
export type Form<Result> = (
  value: unknown,
  status: Reading['status'],
  age: number,
  refreshing: boolean,
) => Result;

export const asValue: Form<unknown> = (value) => value;

export const asReading: Form<Reading> = (value, status, age, refreshing) => ({
  value,
  status,
  age,
  refreshing,
});

/** `fetched`: this read waited for a fetch, in vain. */
export function serve<Result>(
  reading: Read<Result>,
  entry: Entry,
  status: 'hit' | 'stale',
  now: number,
  refreshing: boolean,
  fetched = false,
): Awaitable<Result> {
  const { job, key } = reading;
  // Two clocks of one store may differ by the time of a round trip: an age is never negative.
  const age = Math.max(0, now - entry.storedAt) / 1_000;
  if (status === 'hit') job.counters.hits++;
  else job.counters.stale++;
  // No closure here: it would be allocated for every hit.
  const { observer } = job.environment;
  if (observer.active) {
    observer.observe(
      status === 'hit'
        ? { type: 'hit', job: job.name, key, age }
        : { type: 'stale', job: job.name, key, age, refreshing },
    );
  }
  const value = entry.copyOnRead ? copyPortable(entry.value) : entry.value;
  if (entry.kind === 'error') throw value;
  return finish(reading, value, status, age, refreshing, fetched);
}

/** Somebody else filled the key while this reader waited. */
export function deliver<Result>(reading: Read<Result>, entry: Entry, now: number): Awaitable<Result> {
  const value = entry.copyOnRead ? copyPortable(entry.value) : entry.value;
  if (entry.kind === 'error') {
    countMiss(reading, false, value);
    throw value;
  }
  countMiss(reading, false);
  const age = Math.max(0, now - entry.storedAt) / 1_000;
  return finish(reading, value, 'miss', age, false, false);
}

export function countMiss(reading: Read<unknown>, fetched: boolean, error?: unknown): void {
  const { job, key } = reading;
  job.counters.misses++;
  job.tell(() => ({
    type: 'miss',
    job: job.name,
    key,
    fetched,
    ...(error === undefined ? {} : { error }),
  }));
}

/** The last step of every read. `fetched`: it waited for a fetch. */
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
