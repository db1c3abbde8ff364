import { endInBatch, fetchBatch } from './batch.js';
import { decide } from '../decide.js';
import type { Entry } from '../entry.js';
import { fetchInCaller, fetchWithoutStore } from './fetch-in-caller.js';
import type { WarmOptions, WarmProgress } from '../job/job.js';
import type { JobCore } from '../job/job-core.js';
import { Pace } from '../job/pace.js';
import type { Arguments, Target } from '../policy/policy.js';
import { settle } from './read.js';
import { asReading, asValue, type Form, type Read } from './serve.js';

const WARM_CONCURRENCY = 4;
/** Keys that are read before other work of the process gets its turn. */
const AT_ONCE = 1_000;

/**
 * Reads many keys in one round trip for each thousand. What is missing is fetched by `fetchMany` if the job has one. The
 * event loop goes on between the thousands, and between each fifty of what is missing. None of them waits for the fetches
 * of another.
 */
export async function getMany(job: JobCore, target: Target, argsList: readonly Arguments[]): Promise<unknown[]> {
  const reads: Read<unknown>[] = [];
  // All arguments are copied before the caller goes on, which may change them.
  for (const args of argsList) reads.push(toRead(job, target, args, asValue));
  const pace = new Pace(job.environment.clock);
  const parts: Promise<unknown[]>[] = [];
  for (let start = 0; start < reads.length; start += AT_ONCE) {
    if (start > 0) await turn(job);
    const part = reads.slice(start, start + AT_ONCE);
    // Read one part after the other: the answers of all would come at once, and hold the event loop.
    const values = settlePart(job, target, pace, part, await readEntries(job, part));
    // Handled below. Until then a failure of an early part is nobody's.
    values.catch(() => undefined);
    parts.push(values);
  }
  return (await valuesOf(parts)).flat(1);
}

/** The rest of some reads after the store has answered; `entries` is undefined where it did not. */
async function settlePart(
  job: JobCore,
  target: Target,
  pace: Pace,
  reads: readonly Read<unknown>[],
  entries: readonly (Entry | undefined)[] | undefined,
): Promise<unknown[]> {
  if (entries === undefined) {
    return valuesOf(reads.map(async (reading) => fetchWithoutStore(reading)));
  }
  const missing = new Set(reads.filter((reading, index) => isMissing(reading, entries[index])));
  const batch = fetchBatch(job, target, pace, [...missing]);
  return valuesOf(
    reads.map(async (reading, index) => {
      const flight = batch.get(reading.key);
      if (flight !== undefined) return endInBatch(reading, flight);
      if (missing.has(reading)) await pace.pass();
      return settle(reading, entries[index]);
    }),
  );
}

/** Fetches what is not fresh. A failure does not stop the others. */
export async function warm(
  job: JobCore,
  target: Target,
  argsList: readonly Arguments[],
  { concurrency = WARM_CONCURRENCY, onProgress }: WarmOptions = {},
): Promise<WarmProgress> {
  const progress = { done: 0, failed: 0, total: argsList.length };
  const waiting = argsList.values();
  let begun = 0;
  let turning: Promise<void> | undefined;
  const work = async (): Promise<void> => {
    for (const args of waiting) {
      // All workers wait for the turn: where the store answers at once, the others would leave no gap for it.
      if (++begun % AT_ONCE === 0) turning = turn(job);
      if (turning !== undefined) await turning;
      const filled = await warmOne(job, target, args);
      progress[filled ? 'done' : 'failed']++;
      onProgress?.({ ...progress });
    }
  };
  const workers = Math.min(argsList.length, Math.max(1, Math.trunc(concurrency) || 1));
  await Promise.all(Array.from({ length: workers }, work));
  return progress;
}

/** Lets everything else run that waits for its turn of the event loop. */
function turn(job: JobCore): Promise<void> {
  return new Promise((resolve) => {
    job.environment.clock.defer(resolve);
  });
}

/** True when the key has a fresh value now. */
async function warmOne(job: JobCore, target: Target, args: Arguments): Promise<boolean> {
  try {
    const reading = toRead(job, target, args, asReading);
    const entry = await job.attempt('read', reading.key, () => job.store.read(reading.key));
    const decision = decideFor(reading, entry);
    if (decision === 'fresh' || decision === 'fresh-ageing') return true;
    const came = await fetchInCaller(reading, decision === 'miss' ? undefined : entry);
    return came.status !== 'stale';
  } catch {
    // Not reported as an event, because the caller of `warm` gets the count of failures.
    return false;
  }
}

function toRead<Result>(job: JobCore, target: Target, args: Arguments, form: Form<Result>): Read<Result> {
  const prepared = job.prepare(target, args);
  const captured = job.context.capture();
  const key = job.keys.of(target, prepared, captured);
  const kept = { args: job.argumentCopies.copy(prepared), context: job.context.copy(captured) };
  return { job, target, ...kept, isKept: true, arrival: job.unstored.arrive(), key, form };
}

function decideFor({ job, target, args }: Read<unknown>, entry: Entry | undefined): ReturnType<typeof decide> {
  return decide(entry, job.policy.staleness(target, args), job.store.now());
}

/** Whether a reader of this key alone would have to fetch. */
function isMissing(reading: Read<unknown>, entry: Entry | undefined): boolean {
  const { job, target, args } = reading;
  return decideFor(reading, entry) === 'miss' && job.policy.fetchOnMiss(target, args);
}

async function readEntries(
  job: JobCore,
  reads: readonly Read<unknown>[],
): Promise<readonly (Entry | undefined)[] | undefined> {
  const [first] = reads;
  if (first === undefined) return [];
  return job.attempt('readMany', first.key, () => job.store.readMany(reads.map(({ key }) => key)));
}

/** Waits for all before it fails, so that no rejection stays unhandled. */
async function valuesOf<T>(readings: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(readings);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
