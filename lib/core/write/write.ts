import { toMilliseconds } from '../policy/duration.js';
import { followUp } from '../fill/follow-up.js';
import { fill, toFill } from '../fill/fill.js';
import { CircularReadError } from '../errors.js';
import { currentFlow } from '../job/fetch-flow.js';
import type { SetOptions } from '../job/job.js';
import type { JobCore } from '../job/job-core.js';
import type { Arguments, Target } from '../policy/policy.js';

// Changes that a caller asks for. Unlike reads they reject when the store did not make the change, since the caller
// would otherwise believe that old data is gone.

/** Stores a value; a fetch under way will not overwrite it. */
export async function set(
  job: JobCore,
  target: Target,
  args: Arguments,
  value: unknown,
  options: SetOptions = {},
): Promise<void> {
  const prepared = job.prepare(target, args);
  const key = job.keys.of(target, prepared, job.context.capture());
  const { ttl, tags, grace } = options;
  const wishes = {
    ...(ttl === undefined ? {} : { ttl }),
    ...(tags === undefined ? {} : { tags }),
    ...(grace === undefined ? {} : { grace: Math.max(0, toMilliseconds(grace, 'grace', job.name)) }),
  };
  await job.store.set(key, toFill(job, { target, args: prepared, key }, value, wishes));
  job.tell(() => ({ type: 'set', job: job.name, key }));
}

/**
 * Fetches now even when another fetch is running, since that one may have begun before the change that the caller wants
 * to see.
 */
export async function refresh(job: JobCore, target: Target, args: Arguments): Promise<unknown> {
  const given = job.prepare(target, args);
  const captured = job.context.capture();
  const key = job.keys.of(target, given, captured);
  const wanted = { key, args: job.argumentCopies.copy(given), context: job.context.copy(captured) };
  const { lease } = job.policy;
  const chain = currentFlow()?.chainTo(key);
  if (chain !== undefined) throw new CircularReadError(job.name, key, chain);
  const claimed = await job.attempt('acquire', key, () =>
    job.store.acquire(key, { lease, respectBackoff: false, takeOver: true }),
  );
  const granted = claimed?.kind === 'granted' ? claimed : undefined;
  const filling = {
    target,
    ...wanted,
    background: false,
    lease: granted?.lease,
    failures: granted?.failures ?? 0,
    previous: granted?.previous ?? ((): undefined => undefined),
    recordFailure: true,
  };
  const filled = await (granted === undefined
    ? fill(job, filling)
    : job.flights.run(granted.lease.token, () => fill(job, filling)));
  if (filled.kind === 'failed' || filled.kind === 'refused') throw filled.error;
  const { made, startedAt } = filled;
  const age = Math.max(0, job.store.now() - startedAt) + (made.inheritedAge ?? 0);
  currentFlow()?.dependencies?.add(age, made.tags);
  const isRevoked = filled.kind === 'unstored' && filled.because === 'revoked';
  if (isRevoked || (filled.kind === 'stored' && filled.isStale)) void followUp(job, { target, ...wanted });
  return job.forReader(made);
}

/** Makes the value stale and requests a refresh, unless a running fetch will fetch once more anyway. */
export async function invalidate(job: JobCore, target: Target, args: Arguments): Promise<void> {
  const given = job.prepare(target, args);
  const captured = job.context.capture();
  const key = job.keys.of(target, given, captured);
  const wanted = { key, args: job.argumentCopies.copy(given), context: job.context.copy(captured) };
  const invalidated = await job.store.invalidate(key);
  job.tell(() => ({ type: 'invalidated', job: job.name, key }));
  const { found, held, failure } = invalidated;
  // During a backoff nothing is requested; the first reader after it does.
  const backingOff = failure !== undefined && failure.retryAt > job.store.now();
  if (found && !held && !backingOff) job.requests.want(job, wanted, invalidated);
}

/** Removes the value. */
export async function remove(job: JobCore, target: Target, args: Arguments): Promise<boolean> {
  const key = job.keys.of(target, job.prepare(target, args), job.context.capture());
  const found = await job.store.delete(key);
  job.tell(() => ({ type: 'deleted', job: job.name, key }));
  return found;
}

/**
 * Makes every value of the job stale. No refresh is requested: the store knows keys and not arguments, so each value is
 * refreshed at its next read.
 */
export async function invalidateAll(job: JobCore): Promise<void> {
  const { prefix } = job.keys;
  await job.store.invalidateAll(prefix);
  job.tell(() => ({ type: 'all-invalidated', job: job.name, key: prefix }));
}

/** Removes every value of the job. */
export async function removeAll(job: JobCore): Promise<void> {
  const { prefix } = job.keys;
  await job.store.deleteAll(prefix);
  job.tell(() => ({ type: 'all-deleted', job: job.name, key: prefix }));
}
