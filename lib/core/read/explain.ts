import { isFresh } from '../decide.js';
import { ageOf, type Entry, servableUntil } from '../entry.js';
import type { Explanation } from '../job/explanation.js';
import type { JobCore } from '../job/job-core.js';
import type { Arguments, Target } from '../policy/policy.js';

/** Looks at everything that is known of a key, and changes nothing. A part that cannot be had is left out. */
export async function explain(job: JobCore, target: Target, args: Arguments): Promise<Explanation> {
  return explainKey(job, job.keys.of(target, job.prepare(target, args), job.context.capture()));
}

/** The same for a key as it is stored. */
export async function explainKey(job: JobCore, key: string): Promise<Explanation> {
  const { store } = job;
  const copy = store.hasCopy?.(key) === true;
  const entry = await job.attempt('read', key, () => store.read(key));
  const remaining = await job.attempt('leaseRemaining', key, () => store.leaseRemaining?.(key));
  const queued = await job.attempt('isWaiting', key, () => job.requests.isWaiting(job, key, entry?.generation ?? ''));
  const workers = await job.attempt('workersFor', key, () => job.requests.workersFor(job, key));
  return toExplanation({ key, job: job.name, entry, now: store.now(), remaining, queued, copy, workers });
}

/** What is known of a key. Milliseconds; what is undefined is not known. */
interface Known {
  readonly key: string;
  readonly job: string;
  readonly entry: Entry | undefined;
  readonly now: number;
  readonly remaining: number | undefined;
  readonly queued: boolean | undefined;
  readonly copy: boolean;
  readonly workers: number | undefined;
}

export function toExplanation({ key, job, entry, now, remaining, queued, copy, workers }: Known): Explanation {
  const facts = {
    key,
    job,
    ...factsOf(entry, now),
    ...(remaining === undefined ? {} : { lease: { remaining: remaining / 1_000 } }),
    ...(queued === undefined ? {} : { queued }),
    copy,
    ...(workers === undefined ? {} : { workers }),
  };
  return { ...facts, text: textOf(facts, entry?.kind === 'error') };
}

type Facts = Omit<Explanation, 'text'>;

function factsOf(
  entry: Entry | undefined,
  now: number,
): Omit<Facts, 'key' | 'job' | 'lease' | 'queued' | 'copy' | 'workers'> {
  const failure = entry?.failure;
  const failures = failure?.count ?? 0;
  const failed = failure === undefined ? {} : { lastError: failure.message, nextAttempt: new Date(failure.retryAt) };
  if (entry === undefined || entry.kind === 'vacant' || now > servableUntil(entry)) {
    return { status: 'absent', tags: [], failures, ...failed };
  }
  return {
    status: isFresh(entry, now) ? 'fresh' : 'stale',
    age: ageOf(entry, now) / 1_000,
    storedAt: new Date(entry.storedAt),
    freshUntil: new Date(entry.freshUntil),
    staleUntil: new Date(servableUntil(entry)),
    tags: entry.tags,
    failures,
    ...failed,
  };
}

function textOf(facts: Facts, isError: boolean): string {
  const {
    key,
    status,
    age,
    freshUntil,
    staleUntil,
    tags,
    lease,
    failures,
    lastError,
    nextAttempt,
    queued,
    copy,
    workers,
  } = facts;
  const what = isError ? 'A remembered failure' : 'The value';
  const sentences = [`${key} is ${status}.`];
  if (status === 'absent') sentences.push('There is no value that may be served: the next read is a miss.');
  if (status === 'fresh') sentences.push(`${what} is ${inSeconds(age)} old and fresh until ${iso(freshUntil)}.`);
  if (status === 'stale') {
    sentences.push(
      `${what} is ${inSeconds(age)} old and has been stale since ${iso(freshUntil)}; it may be served until ${iso(staleUntil)}.`,
    );
  }
  if (tags.length > 0) sentences.push(`Its tags are ${tags.join(', ')}.`);
  if (lease !== undefined)
    sentences.push(`Somebody is fetching it, under a lease of ${inSeconds(lease.remaining)} more.`);
  if (failures > 0) {
    sentences.push(
      `${failures === 1 ? 'The last refresh failed' : `The last ${String(failures)} refreshes failed, the last one`} with: ${String(lastError)}. The next attempt is not before ${iso(nextAttempt)}.`,
    );
  }
  if (queued === true) sentences.push('A refresh has been requested.');
  if (queued === false && status === 'stale')
    sentences.push('No refresh has been requested yet: the next read requests one.');
  if (workers === 0) sentences.push('No live worker knows the job: nobody will refresh it before one starts.');
  if (copy) sentences.push('This process holds a copy.');
  return sentences.join(' ');
}

function inSeconds(seconds = 0): string {
  return `${String(Math.round(seconds * 10) / 10)} s`;
}

function iso(instant: Date | undefined): string {
  return instant === undefined || Number.isNaN(instant.getTime()) ? 'an unknown time' : instant.toISOString();
}
