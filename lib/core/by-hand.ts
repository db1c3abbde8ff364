import { toMilliseconds } from './duration.js';
import { fill, toFill } from './fill.js';
import type { SetOptions } from './job.js';
import type { JobCore } from './job-core.js';
import type { Arguments, Target } from './policy.js';
import { copyPortable } from './portable.js';

// What a caller asks for by hand. Other than reads, these reject when the store did not do it: he would go on believing
// that old data is gone.

/** Stores a value; a fetch under way will not overwrite it. */
export async function set(
  job: JobCore,
  target: Target,
  args: Arguments,
  value: unknown,
  options: SetOptions = {},
): Promise<void> {
  const prepared = job.prepare(target, args);
  const key = job.keys.of(target, prepared);
  const { ttl, tags, grace } = options;
  const wishes = {
    ...(ttl === undefined ? {} : { ttl }),
    ...(tags === undefined ? {} : { tags }),
    ...(grace === undefined
      ? {}
      : { grace: Math.max(0, toMilliseconds(grace, 'grace', job.name)) }),
  };
  await job.store.set(key, toFill(job, { target, args: prepared, key }, value, wishes));
  job.tell(() => ({ type: 'set', job: job.name, key }));
}

/** Fetches now, whoever else is fetching: his fetch may have begun before what the caller wants to see. */
export async function refresh(job: JobCore, target: Target, args: Arguments): Promise<unknown> {
  const prepared = job.prepare(target, args);
  const key = job.keys.of(target, prepared);
  const { lease } = job.policy;
  const claimed = await job.attempt('acquire', key, () =>
    job.store.acquire(key, { lease, respectBackoff: false, takeOver: true }),
  );
  const granted = claimed?.kind === 'granted' ? claimed : undefined;
  const filling = {
    target,
    args: prepared,
    key,
    background: false,
    lease: granted?.lease,
    failures: granted?.failures ?? 0,
    previous: granted?.previous ?? ((): undefined => undefined),
    recordFailure: true,
  };
  const filled = await (granted === undefined
    ? fill(job, filling)
    : job.flights.run(granted.lease.token, () => fill(job, filling)));
  switch (filled.kind) {
    case 'failed':
    case 'refused':
      throw filled.error;
    case 'unstored':
      if (filled.because === 'revoked') job.requests.want(job, key, prepared, granted?.previous());
      return filled.copyOnRead ? copyPortable(filled.value) : filled.value;
    case 'stored':
      return filled.copyOnRead ? copyPortable(filled.value) : filled.value;
  }
}

/** Makes the value stale and requests a refresh of it, unless whoever is fetching will fetch once more anyway. */
export async function invalidate(job: JobCore, target: Target, args: Arguments): Promise<void> {
  const prepared = job.prepare(target, args);
  const key = job.keys.of(target, prepared);
  const invalidated = await job.store.invalidate(key);
  job.tell(() => ({ type: 'invalidated', job: job.name, key }));
  const { found, held, failure } = invalidated;
  // During a backoff the first reader after it asks.
  const backingOff = failure !== undefined && failure.retryAt > job.store.now();
  if (found && !held && !backingOff) job.requests.want(job, key, prepared, invalidated);
}

/** Removes the value. */
export async function remove(job: JobCore, target: Target, args: Arguments): Promise<boolean> {
  const key = job.keys.of(target, job.prepare(target, args));
  const found = await job.store.delete(key);
  job.tell(() => ({ type: 'deleted', job: job.name, key }));
  return found;
}
