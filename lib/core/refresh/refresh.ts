import { inspect, isDeepStrictEqual } from 'node:util';
import type { JobCore } from '../job/job-core.js';
import { ConfigurationError, QueueError, UnknownJobError } from '../errors.js';
import { endingOf, endingOfAll, tracedFill } from '../fill/traced-fill.js';
import { followUp } from '../fill/follow-up.js';
import type { Filled } from '../job/filled.js';
import { traced } from '../job/traced.js';
import type { Target } from '../policy/policy.js';
import type { Observer, RefreshOutcome, RefreshRequest, RequestedKey } from '../ports.js';
import { refreshBatch, STORE_RETRY } from './refresh-batch.js';

/** Keys of a request that are accepted although `batchSize` is less: another release may have a larger one. */
const LARGEST_BATCH = 1_000;

type Judged = Extract<RefreshOutcome, { kind: 'stored' | 'skipped' | 'busy' | 'failed' }>;

/** Names come from the queue. This many unknown ones are reported. */
const MOST_UNKNOWN = 1_000;

/** Runs one requested refresh in this process and returns its outcome. Never rejects. */
export class Refresher {
  readonly #unknown = new Set<string>();

  constructor(
    private readonly observer: Observer,
    private readonly findJob: (name: string) => JobCore | undefined,
  ) {}

  async run(request: RefreshRequest): Promise<RefreshOutcome> {
    const job = this.findJob(request.job);
    if (job === undefined) return this.#unknownJob(request, false);
    // The request comes from a release with another `version` of the job. What this release fetches is not what readers
    // of that key expect.
    if (!job.keys.includes(request.key)) return this.#unknownJob(request, true);
    let target: Target;
    let restored: RefreshRequest;
    try {
      target = await job.definition.resolve();
      restored = withArguments(job, request);
    } catch (error) {
      job.reportRefreshFailure(request.key, error, 1, STORE_RETRY);
      return { kind: 'failed', error, retryIn: STORE_RETRY };
    }
    const reason = whyForged(job, restored);
    if (reason !== undefined) {
      const { key } = request;
      const error = new QueueError('run', { job: job.name, key, cause: new Error(reason) });
      this.observer.observe({ type: 'queue-failed', job: job.name, key, error });
      return { kind: 'skipped' };
    }
    if (restored.others !== undefined) return this.#runBatch(job, target, restored, restored.others);
    return this.#runOne(job, target, restored);
  }

  async #runOne(job: JobCore, target: Target, request: RefreshRequest): Promise<RefreshOutcome> {
    const { key, generation } = request;
    const answer = job.acquire(key, { generation, respectBackoff: true, takeOver: false });
    const acquired = answer instanceof Promise ? await answer : answer;
    switch (acquired?.kind) {
      case undefined:
        // Not an attempt: the request waits until the store is back.
        return { kind: 'busy', retryIn: STORE_RETRY };
      case 'busy':
        return { kind: 'busy', retryIn: acquired.remaining };
      case 'changed':
      case 'backoff': {
        const reason = acquired.kind;
        job.counters.refreshes.skipped++;
        job.tell(() => ({ type: 'refresh-skipped', job: job.name, key: request.key, reason }));
        return { kind: 'skipped' };
      }
      case 'granted': {
        const { lease, failures, previous } = acquired;
        const { args, context } = request;
        const filling = {
          target,
          args,
          context,
          key,
          background: true,
          lease,
          failures,
          previous,
          recordFailure: true,
        };
        const wait = waitOf(job, request);
        if (wait !== undefined) job.counters.queueWait.record(wait);
        const step = { kind: 'refresh', job: job.name, keys: 1, wait, trace: request.origin?.trace } as const;
        const filled = await job.flights.run(lease.token, () =>
          traced(job, step, () => tracedFill(job, filling), endingOf),
        );
        // The key was invalidated during the fetch. Running this request again is the one follow-up that is due.
        if (filled.kind === 'unstored' && filled.because === 'revoked') {
          job.counters.refreshes.repeated++;
          return { kind: 'again' };
        }
        job.requests.ended(request.key);
        if (filled.kind === 'stored' && filled.isStale) await followUp(job, { target, ...request });
        return this.#outcome(job, request.key, filled, acquired.failures + 1);
      }
    }
  }

  /** The outcome is the worst of all keys. A key that needs more than the common fetch is refreshed by itself. */
  async #runBatch(
    job: JobCore,
    target: Target,
    request: RefreshRequest,
    others: readonly RequestedKey[],
  ): Promise<RefreshOutcome> {
    const keys = [request, ...others];
    const { fetchMany } = job.definition;
    // One fetch runs in one context.
    const isOneContext = others.every(({ context }) => isDeepStrictEqual(context, request.context));
    if (fetchMany === undefined || !isOneContext) return this.#runEach(job, target, request, keys);
    // The request may come from a release with a larger `batchSize`.
    const [few, many] = [keys.slice(0, job.batchSize), keys.slice(job.batchSize)];
    if (many.length > 0) {
      const [next, ...rest] = many as [RequestedKey, ...RequestedKey[]];
      const { job: name, options } = request;
      const first = await this.#runBatch(job, target, request, few.slice(1));
      return worstOf([first, await this.#runBatch(job, target, { ...next, job: name, options }, rest)]);
    }
    const wait = waitOf(job, request);
    const step = { kind: 'refresh', job: job.name, keys: keys.length, wait, trace: request.origin?.trace } as const;
    const { filled, busyFor } = await traced(
      job,
      step,
      () => refreshBatch(job, target, keys, fetchMany),
      (batch) => endingOfAll(batch.filled.map(({ filled: each }) => each)),
    );
    if (filled.length > 0 && wait !== undefined) job.counters.queueWait.record(wait);
    const outcomes: RefreshOutcome[] = busyFor === undefined ? [] : [{ kind: 'busy', retryIn: busyFor }];
    const reported = new Set<unknown>();
    for (const { requested, filled: each, attempt } of filled) {
      job.requests.ended(requested.key);
      if (each.kind === 'stored' && each.isStale) await followUp(job, { target, ...requested });
      if (each.kind === 'unstored' && each.because === 'revoked') {
        const { key, args, context, generation } = requested;
        job.requests.want(job, { key, args, context }, { generation });
        job.counters.refreshes.repeated++;
        outcomes.push({ kind: 'skipped' });
        continue;
      }
      // A fetch that fails fails for all of its keys and is reported once. Errors of single keys are reported each.
      if (each.kind === 'failed') {
        if (reported.has(each.error)) {
          job.counters.refreshes.failed++;
          continue;
        }
        reported.add(each.error);
      }
      outcomes.push(this.#outcome(job, requested.key, each, attempt));
    }
    return worstOf(outcomes);
  }

  async #runEach(
    job: JobCore,
    target: Target,
    request: RefreshRequest,
    keys: readonly RequestedKey[],
  ): Promise<RefreshOutcome> {
    const { job: name, options } = request;
    const outcomes = await Promise.all(keys.map((key) => this.#runOne(job, target, { ...key, job: name, options })));
    return worstOf(outcomes);
  }

  #outcome(job: JobCore, key: string, filled: Filled, attempt: number): RefreshOutcome {
    const outcome = this.#judge(job, key, filled, attempt);
    if (outcome.kind !== 'busy') job.counters.refreshes[outcome.kind]++;
    return outcome;
  }

  #judge(job: JobCore, key: string, filled: Filled, attempt: number): Judged {
    switch (filled.kind) {
      case 'stored':
        return { kind: 'stored' };
      case 'unstored':
        return filled.because === 'unreachable' ? { kind: 'busy', retryIn: STORE_RETRY } : { kind: 'skipped' };
      case 'unwanted':
        return { kind: 'skipped' };
      case 'refused': {
        const retryIn = job.policy.backoff(attempt);
        job.reportRefreshFailure(key, filled.error, attempt, retryIn);
        return { kind: 'failed', error: filled.error, retryIn };
      }
      case 'failed':
        job.reportRefreshFailure(key, filled.error, attempt, filled.retryIn);
        return { kind: 'failed', error: filled.error, retryIn: filled.retryIn };
    }
  }

  #unknownJob({ job, key }: RefreshRequest, isOtherVersion: boolean): RefreshOutcome {
    const error = new UnknownJobError(job, { key, isOtherVersion });
    if (!this.#unknown.has(job) && this.#unknown.size < MOST_UNKNOWN) {
      this.#unknown.add(job);
      this.observer.observe({ type: 'unknown-job', job, key, error });
    }
    return { kind: 'unknown-job', error };
  }
}

/** Milliseconds from the request to now; undefined when the requester did not say when it was. */
function waitOf({ store }: JobCore, { origin }: RefreshRequest): number | undefined {
  return origin === undefined ? undefined : Math.max(0, store.now() - origin.at);
}

/**
 * The request with the arguments of the call. Throws for an instance of a class that is not declared in this release.
 */
function withArguments({ argumentCopies, context }: JobCore, request: RefreshRequest): RefreshRequest {
  if (request.context !== undefined && !context.isKnown) throw unknownContext(request);
  const { args, others } = request;
  return {
    ...request,
    args: argumentCopies.unpack(args),
    ...(others === undefined
      ? {}
      : { others: others.map((other) => ({ ...other, args: argumentCopies.unpack(other.args) })) }),
  };
}

/**
 * Why a request must not run, if so: anybody who can write to Redis can make one. It fills only keys of its own job in its
 * own version, with the arguments that belong to them, and not more of them than one fetch may get.
 */
function whyForged(job: JobCore, request: RefreshRequest): string | undefined {
  const { others = [] } = request;
  if (others.length >= Math.max(job.batchSize, LARGEST_BATCH)) return `it names ${others.length + 1} keys`;
  if (!others.every(({ key }) => job.keys.includes(key))) return 'it names a key of another job, or of another version';
  if (![request, ...others].every((each) => job.keys.belong(each))) return 'its arguments are not those of its key';
  return undefined;
}

function unknownContext({ job, context }: RefreshRequest): ConfigurationError {
  return new ConfigurationError(
    `A refresh of ${job} was requested in the context ${inspect(context)}, and ${job} has none here`,
    'Give forRoot of every process of the application the same context, and the job the same context option',
    { job },
  );
}

/**
 * The outcome that the queue must act on: a follow-up before a failure, a failure before a wait, a wait before success.
 */
function worstOf(outcomes: readonly RefreshOutcome[]): RefreshOutcome {
  for (const kind of ['again', 'failed', 'busy', 'stored'] as const) {
    const found = outcomes.find((outcome) => outcome.kind === kind);
    if (found !== undefined) return found;
  }
  return { kind: 'skipped' };
}
