import { type FetchWishes, noWishes } from './fetch-wishes.js';
import { toPeriod } from '../policy/duration.js';
import { type Fill, shortMessage } from '../entry.js';
import { ConfigurationError } from '../errors.js';
import { fetchUnderLease } from './fetch.js';
import type { Filling } from '../job/filling.js';
import { BatchWishes } from './batch-wishes.js';
import { Dependencies } from '../job/dependencies.js';
import type { Filled } from '../job/filled.js';
import type { JobDefinition } from '../job/job.js';
import type { JobCore } from '../job/job-core.js';
import { tagList } from '../policy/option-checks.js';
import type { Arguments, ErrorDecision, Target } from '../policy/policy.js';
import type { Awaitable, CommitResult } from '../ports.js';
import { toPortable } from '../value/portable.js';
import { isError } from '../value/portable-error.js';

const NO_TAGS: readonly string[] = Object.freeze([]);

/** Fetches one value and stores it under the lease. Never rejects. */
export function fill(job: JobCore, filling: Filling): Promise<Filled> {
  const { target, args, lease } = filling;
  const wishes = noWishes();
  const scope = job.context.scope(filling.context, filling.background);
  const dependencies = dependenciesOf(job);
  const ended = { job, filling, wishes, dependencies, startedAt: lease?.grantedAt ?? job.store.now() };
  const fetch = (): Promise<unknown> => scope.fetch(() => job.definition.fetch(target, args));
  return fetchUnderLease(job, [filling], { dependencies, wishesOf: () => wishes }, fetch).then(
    (value) => scope.inside(() => storeFetched(ended, value)),
    (error: unknown) => scope.inside(() => endFailed(ended, error)),
  );
}

/** Fetches many values of one job and one context at once and stores each under its lease. Never rejects. */
export async function fillMany(
  job: JobCore,
  target: Target,
  fillings: readonly Filling[],
  fetchMany: NonNullable<JobDefinition['fetchMany']>,
): Promise<Filled[]> {
  const [first] = fillings;
  const scope = job.context.scope(first?.context, first?.background === true);
  const dependencies = dependenciesOf(job);
  const startedAt = first?.lease?.grantedAt ?? job.store.now();
  const wishes = new BatchWishes(job, fillings);
  const endOf = (filling: Filling): Ended => ({
    job,
    filling,
    wishes: wishes.ofKey(filling.key),
    dependencies,
    startedAt,
  });
  let values: readonly unknown[];
  try {
    const argsList = fillings.map(({ args }) => args);
    const about = { dependencies, wishesOf: wishes.of };
    values = await fetchUnderLease(job, fillings, about, () => scope.fetch(() => fetchMany(target, argsList)));
    assertOneEach(job, values, fillings);
  } catch (error) {
    return Promise.all(fillings.map((filling) => scope.inside(() => endFailed(endOf(filling), error))));
  }
  return Promise.all(
    fillings.map(async (filling, index) => {
      const value = values[index];
      const end = endOf(filling);
      const turn = job.storing.pass();
      if (turn !== undefined) await turn;
      // As in DataLoader, an error in the list is the failure of its own key.
      return scope.inside(() => (isFailure(value) ? endFailed(end, value) : storeFetched(end, value)));
    }),
  );
}

/** A fetch that has ended, and everything known about it. */
interface Ended {
  readonly job: JobCore;
  readonly filling: Filling;
  readonly wishes: FetchWishes;
  readonly dependencies: Dependencies | undefined;
  /** By the store's clock. */
  readonly startedAt: number;
}

function dependenciesOf(job: JobCore): Dependencies | undefined {
  return job.policy.nested ? new Dependencies(() => job.store.now()) : undefined;
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

/** Stores the fetched value, unless it must not or cannot be stored. Synchronous when the store is. */
function storeFetched(ended: Ended, value: unknown): Awaitable<Filled> {
  const { job, filling, wishes, startedAt } = ended;
  const { lease, key } = filling;
  let made: Fill;
  try {
    made = withInherited(ended, toFill(job, filling, value, wishes));
    if (wishes.skipped || !job.policy.cacheIf(filling.target, value, filling.args)) return endUnwanted(ended, made);
  } catch (error) {
    return endRefused(ended, value, error);
  }
  if (lease === undefined) return { kind: 'unstored', made, because: 'unreachable', startedAt };
  const committed = job.attempt('commit', key, () => job.store.commit(lease, made));
  return committed instanceof Promise
    ? committed.then((result) => endCommitted(ended, made, result))
    : endCommitted(ended, made, committed);
}

function endCommitted(ended: Ended, made: Fill, committed: CommitResult | undefined): Filled {
  const { job, filling, startedAt } = ended;
  const { key, background } = filling;
  switch (committed) {
    case 'stored':
    case 'stale':
      job.counters.stored++;
      job.failing.succeeded(key);
      job.tell(() => ({ type: 'stored', job: job.name, key, background }));
      return { kind: 'stored', made, isStale: committed === 'stale', startedAt };
    case 'revoked':
    case 'lost':
      job.counters.fenced++;
      job.tell(() => ({ type: 'fenced', job: job.name, key, background }));
      return { kind: 'unstored', made, because: committed, startedAt };
    case undefined:
      // Ends the lease, so that nobody waits for a lease that is not used. The reader does not wait for this.
      void endUnstored(ended, 'the store did not take the value', made.tags);
      return { kind: 'unstored', made, because: 'unreachable', startedAt };
  }
}

async function endUnwanted(ended: Ended, made: Fill): Promise<Filled> {
  const isChanged = await endUnstored(ended, 'fetch returned a value that is not to be stored', made.tags);
  return { kind: 'unwanted', made, isChanged, startedAt: ended.startedAt };
}

async function endRefused(ended: Ended, value: unknown, error: unknown): Promise<Filled> {
  const isChanged = await endUnstored(ended, messageOf(error), tagsOfFailure(ended));
  return { kind: 'refused', value, error, isChanged, startedAt: ended.startedAt };
}

/**
 * A value in the form in which it is stored: portable, with its periods and tags. Throws for a value that cannot be
 * stored, with the reason.
 */
export function toFill(
  job: JobCore,
  by: { readonly target: Target; readonly args: Arguments; readonly key: string },
  value: unknown,
  wishes: Omit<FetchWishes, 'skipped'> & { grace?: number },
): Fill {
  const { policy, name } = job;
  const { target, args } = by;
  const portable = toPortable(name, value, job.valueTypes);
  if (portable.classNames.length > 0) job.reportClasses(by.key, portable.classNames);
  const ttl = wishes.ttl === undefined ? policy.ttl(target, value, args) : toPeriod(wishes.ttl, 'ttl', name);
  return {
    kind: 'value',
    value: portable.value,
    copyOnRead: !portable.shareable,
    ttl: policy.jitter === 0 ? ttl : ttl * (1 - policy.jitter * job.environment.random()),
    grace: wishes.grace ?? policy.grace(target, value, args),
    tags: wishes.tags === undefined ? policy.tags(target, value, args) : tagList(name, wishes.tags),
  };
}

/** A value is as old as the oldest cached value that it was made of, and is invalidated by the tags of each. */
function withInherited({ dependencies, startedAt }: Ended, made: Fill): Fill {
  if (dependencies === undefined || dependencies.isEmpty) return made;
  const inheritedAge = dependencies.inheritedAge(startedAt);
  return { ...made, tags: dependencies.withTags(made.tags), ...(inheritedAge === 0 ? {} : { inheritedAge }) };
}

function isFailure(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && isError(value);
}

async function endFailed(ended: Ended, error: unknown): Promise<Filled> {
  const { job, filling, startedAt } = ended;
  const { lease, key } = filling;
  job.counters.failures++;
  const decision = decideOnError(job, filling, error);
  const retryIn = job.policy.backoff(filling.failures + 1);
  const tags = tagsOfFailure(ended);
  const failed = { kind: 'failed', error, decision, retryIn, tags, startedAt } as const;
  if (lease === undefined) return { ...failed, isChanged: false };
  if (decision === 'delete') {
    const released = await job.attempt('release', key, () => job.store.release(lease, { kind: 'gone' }, tags));
    return { ...failed, isChanged: released !== 'held' };
  }
  if (decision !== 'stale') {
    const value = portableError(job, error);
    // The ttl of a remembered failure counts from now, although an entry is dated from the start of its fetch.
    const ttl = decision.ttl + Math.max(0, job.store.now() - lease.grantedAt);
    const remembered = withInherited(ended, { kind: 'error', value, copyOnRead: true, ttl, grace: 0, tags });
    const committed = await job.attempt('commit', key, () => job.store.commit(lease, remembered));
    return { ...failed, isChanged: committed !== 'stored' };
  }
  return { ...failed, isChanged: await endUnstored(ended, messageOf(error), tags) };
}

/**
 * Tags of a remembered failure, so that an invalidation ends it as well: "no such user" ends with the user's tag. A
 * function of the value is called with undefined; if it throws, the failure has no tags.
 */
function tagsOfFailure({ job, filling: { target, args }, wishes: { tags }, dependencies }: Ended): readonly string[] {
  let own: readonly string[] = NO_TAGS;
  try {
    own = tags === undefined ? job.policy.tags(target, undefined, args) : tagList(job.name, tags);
  } catch {
    // The function cannot do without a value, so the failure has no tags.
  }
  return dependencies === undefined ? own : dependencies.withTags(own);
}

/**
 * Ends the lease without a value. If there is an old value, the next attempt waits for the backoff. Resolves to true
 * when the key was changed meanwhile, or when the store does not say.
 */
async function endUnstored({ job, filling }: Ended, message: string, tags: readonly string[]): Promise<boolean> {
  const { lease, key } = filling;
  if (lease === undefined) return false;
  const retryIn = job.policy.backoff(filling.failures + 1);
  const ending = filling.recordFailure
    ? ({ kind: 'failed', message, retryIn } as const)
    : ({ kind: 'unfilled' } as const);
  return (await job.attempt('release', key, () => job.store.release(lease, ending, tags))) !== 'held';
}

/** An `onError` that throws must not hide the error that it was called with. */
function decideOnError(job: JobCore, filling: Filling, error: unknown): ErrorDecision {
  try {
    return job.policy.onError(filling.target, error, filling.args);
  } catch {
    return 'stale';
  }
}

/** The part of an error that can be stored. An HTTP client's error may hold its sockets. */
function portableError(job: JobCore, thrown: unknown): unknown {
  const error = thrown instanceof Error ? thrown : new Error(messageOf(thrown));
  const { environment } = job;
  try {
    return toPortable(job.name, environment.nameError?.(error) ?? error, job.valueTypes).value;
  } catch {
    const name = typeof error.name === 'string' ? error.name : 'Error';
    return toPortable(job.name, Object.assign(new Error(messageOf(error)), { name }), job.valueTypes).value;
  }
}

/** Anything can be thrown: also what has no message, or no text at all. */
function messageOf(error: unknown): string {
  try {
    return shortMessage(String(error instanceof Error ? error.message : error));
  } catch {
    return 'something was thrown that has no text';
  }
}
