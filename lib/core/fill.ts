import type { FetchWishes } from './context.js';
import { toPeriod } from './duration.js';
import type { Fill } from './entry.js';
import { ConfigurationError } from './errors.js';
import { fetchUnderLease, type Filling } from './fetch.js';
import type { Filled, FillOutcome } from './filled.js';
import type { JobDefinition } from './job.js';
import type { JobCore } from './job-core.js';
import { tagList } from './option-checks.js';
import type { Arguments, ErrorDecision, Target } from './policy.js';
import { toPortable } from './portable.js';

/** Fetches one value and stores it under the lease. Never rejects. */
export async function fill(job: JobCore, filling: Filling): Promise<Filled> {
  const wishes: FetchWishes = { skipped: false };
  const { target, args } = filling;
  const startedAt = filling.lease?.grantedAt ?? job.store.now();
  let value: unknown;
  try {
    value = await fetchUnderLease(job, [filling], wishes, () => job.definition.fetch(target, args));
  } catch (error) {
    return { ...(await endFailed(job, filling, error)), startedAt };
  }
  return { ...(await storeFetched(job, filling, value, wishes)), startedAt };
}

/** Fetches many values of one job at once and stores each under its lease. Never rejects. */
export async function fillMany(
  job: JobCore,
  target: Target,
  fillings: readonly Filling[],
  fetchMany: NonNullable<JobDefinition['fetchMany']>,
): Promise<Filled[]> {
  const wishes: FetchWishes = { skipped: false };
  const startedAt = fillings[0]?.lease?.grantedAt ?? job.store.now();
  let values: readonly unknown[];
  try {
    const argsList = fillings.map(({ args }) => args);
    values = await fetchUnderLease(job, fillings, wishes, () => fetchMany(target, argsList));
    assertOneEach(job, values, fillings);
  } catch (error) {
    return Promise.all(
      fillings.map(async (filling) => ({ ...(await endFailed(job, filling, error)), startedAt })),
    );
  }
  return Promise.all(
    fillings.map(async (filling, index) => ({
      ...(await storeFetched(job, filling, values[index], wishes)),
      startedAt,
    })),
  );
}

function assertOneEach(job: JobCore, values: unknown, fillings: readonly Filling[]): void {
  if (Array.isArray(values) && values.length === fillings.length) return;
  const got = Array.isArray(values) ? `${String(values.length)} values` : typeof values;
  throw new ConfigurationError(
    `fetchMany of ${job.name} returned ${got} for ${String(fillings.length)} keys`,
    'It must return one value for each list of arguments, in the same order',
    { job: job.name },
  );
}

/** Stores what was fetched, unless it is not to be stored or cannot be. */
async function storeFetched(
  job: JobCore,
  filling: Filling,
  value: unknown,
  wishes: FetchWishes,
): Promise<FillOutcome> {
  const { lease, key, background } = filling;
  let made: Fill;
  try {
    made = toFill(job, filling, value, wishes);
    if (wishes.skipped || !job.policy.cacheIf(filling.target, value, filling.args)) {
      await endUnstored(job, filling, 'fetch returned a value that is not to be stored');
      return { kind: 'unstored', value: made.value, copyOnRead: made.copyOnRead, because: 'unwanted' };
    }
  } catch (error) {
    await endUnstored(job, filling, messageOf(error));
    return { kind: 'refused', value, error };
  }
  const { copyOnRead } = made;
  const unstored = { kind: 'unstored', value: made.value, copyOnRead } as const;
  if (lease === undefined) return { ...unstored, because: 'unreachable' };
  const committed = await job.attempt('commit', key, () => job.store.commit(lease, made));
  if (committed === undefined) {
    // So that nobody waits for a lease that nobody uses. The reader does not wait for this either.
    void endUnstored(job, filling, 'the store did not take the value');
    return { ...unstored, because: 'unreachable' };
  }
  if (committed === 'stored') {
    job.counters.stored++;
    job.tell(() => ({ type: 'stored', job: job.name, key, background }));
    return { kind: 'stored', value: made.value, copyOnRead };
  }
  job.counters.fenced++;
  job.tell(() => ({ type: 'fenced', job: job.name, key, background }));
  return { ...unstored, because: committed };
}

/** A value as it is stored: portable, with its periods and tags. Throws what cannot be stored, with the reason. */
export function toFill(
  job: JobCore,
  by: { readonly target: Target; readonly args: Arguments; readonly key: string },
  value: unknown,
  wishes: Omit<FetchWishes, 'skipped'> & { grace?: number },
): Fill {
  const { policy, name } = job;
  const { target, args } = by;
  const portable = toPortable(name, value);
  if (portable.classNames.length > 0) job.reportClasses(by.key, portable.classNames);
  const ttl =
    wishes.ttl === undefined ? policy.ttl(target, value, args) : toPeriod(wishes.ttl, 'ttl', name);
  return {
    kind: 'value',
    value: portable.value,
    copyOnRead: !portable.shareable,
    ttl: policy.jitter === 0 ? ttl : ttl * (1 - policy.jitter * job.environment.random()),
    grace: wishes.grace ?? policy.grace(target, value, args),
    tags: wishes.tags === undefined ? policy.tags(target, value, args) : tagList(name, wishes.tags),
  };
}

async function endFailed(job: JobCore, filling: Filling, error: unknown): Promise<FillOutcome> {
  const { lease, key } = filling;
  job.counters.failures++;
  const decision = decideOnError(job, filling, error);
  const retryIn = job.policy.backoff(filling.failures + 1);
  const failed = { kind: 'failed', error, decision, retryIn } as const;
  if (lease === undefined) return failed;
  if (decision === 'delete') {
    await job.attempt('release', key, () => job.store.release(lease, { kind: 'gone' }));
  } else if (decision !== 'stale') {
    const value = portableError(job, error);
    // From now on, although an entry is dated from the start of its fetch.
    const ttl = decision.ttl + Math.max(0, job.store.now() - lease.grantedAt);
    const remembered: Fill = { kind: 'error', value, copyOnRead: true, ttl, grace: 0, tags: [] };
    await job.attempt('commit', key, () => job.store.commit(lease, remembered));
  } else {
    await endUnstored(job, filling, messageOf(error));
  }
  return failed;
}

/** Ends the lease without a value. Where there was one, the next attempt waits for the backoff. */
async function endUnstored(job: JobCore, filling: Filling, message: string): Promise<void> {
  const { lease, key } = filling;
  if (lease === undefined) return;
  const retryIn = job.policy.backoff(filling.failures + 1);
  const ending = filling.recordFailure
    ? ({ kind: 'failed', message, retryIn } as const)
    : ({ kind: 'unfilled' } as const);
  await job.attempt('release', key, () => job.store.release(lease, ending));
}

/** A predicate that throws must not hide the error it was asked about. */
function decideOnError(job: JobCore, filling: Filling, error: unknown): ErrorDecision {
  try {
    return job.policy.onError(filling.target, error, filling.args);
  } catch {
    return 'stale';
  }
}

/** What is remembered of a failure: as much as can be stored. An HTTP client's error may hold its sockets. */
function portableError(job: JobCore, thrown: unknown): unknown {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  try {
    return toPortable(job.name, error).value;
  } catch {
    const { name, message } = error;
    return toPortable(job.name, Object.assign(new Error(message), { name })).value;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
