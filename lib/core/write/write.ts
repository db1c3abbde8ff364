import { toMilliseconds } from '../policy/duration.js';
import { followUp } from '../fill/follow-up.js';
import { toFill } from '../fill/fill.js';
import { tracedFill } from '../fill/traced-fill.js';
import { CircularReadError } from '../errors.js';
import { currentFlow } from '../job/fetch-flow.js';
import type { SetOptions } from '../job/job.js';
import type { JobCore } from '../job/job-core.js';
import type { Arguments, Target } from '../policy/policy.js';
import type { RequestedKey } from '../ports.js';

// Changes that a caller asks for. Unlike reads they reject when the store did not make the change, since the caller
// would otherwise believe that old data is gone.

/** A key, with what a fetch of it needs. */
type Wanted = Omit<RequestedKey, 'generation'> & { readonly context: unknown };

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
  return refreshWanted(job, target, wanted, false);
}

/** `background`: the fetch is nobody's call, so it runs in the context that is given and not in the present one. */
export async function refreshWanted(
  job: JobCore,
  target: Target,
  wanted: Wanted,
  background: boolean,
): Promise<unknown> {
  const { key } = wanted;
  const chain = currentFlow()?.chainTo(key);
  if (chain !== undefined) throw new CircularReadError(job.name, key, chain);
  const answer = job.acquire(key, { respectBackoff: false, takeOver: true });
  const claimed = answer instanceof Promise ? await answer : answer;
  const granted = claimed?.kind === 'granted' ? claimed : undefined;
  const filling = {
    target,
    ...wanted,
    background,
    lease: granted?.lease,
    failures: granted?.failures ?? 0,
    previous: granted?.previous ?? ((): undefined => undefined),
    recordFailure: true,
  };
  const filled = await (granted === undefined
    ? tracedFill(job, filling)
    : job.flights.run(granted.lease.token, () => tracedFill(job, filling)));
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
  await invalidateWanted(job, key, wanted);
}

/** `wanted`: what a refresh of the key needs; undefined where that is not known. Its next read requests one then. */
export async function invalidateWanted(job: JobCore, key: string, wanted: Wanted | undefined): Promise<void> {
  const invalidated = await job.store.invalidate(key);
  job.tell(() => ({ type: 'invalidated', job: job.name, key }));
  const { found, held, failure } = invalidated;
  // During a backoff nothing is requested; the first reader after it does.
  const backingOff = failure !== undefined && failure.retryAt > job.store.now();
  if (wanted !== undefined && found && !held && !backingOff) job.requests.want(job, wanted, invalidated);
}

/** Removes the value. */
export async function remove(job: JobCore, target: Target, args: Arguments): Promise<boolean> {
  return removeKey(job, job.keys.of(target, job.prepare(target, args), job.context.capture()));
}

export async function removeKey(job: JobCore, key: string): Promise<boolean> {
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
