import type { JobCore } from './job-core.js';
import { UnknownJobError } from './errors.js';
import { fill } from './fill.js';
import type { Filled } from './filled.js';
import type { Target } from './policy.js';
import type {
  Acquisition,
  Observer,
  RefreshOutcome,
  RefreshRequest,
  RequestedKey,
} from './ports.js';
import { refreshBatch, STORE_RETRY } from './refresh-batch.js';

/** Runs one requested refresh in this process. Returns what became of it; never rejects. */
export class Refresher {
  readonly #unknown = new Set<string>();

  constructor(
    private readonly observer: Observer,
    private readonly findJob: (name: string) => JobCore | undefined,
  ) {}

  async run(request: RefreshRequest): Promise<RefreshOutcome> {
    const job = this.findJob(request.job);
    if (job === undefined) return this.#unknownJob(request, false);
    // A release with another `version` asked: what is fetched here is not what its readers expect under that key.
    if (!job.keys.includes(request.key)) return this.#unknownJob(request, true);
    let target: Target;
    try {
      target = await job.definition.resolve();
    } catch (error) {
      job.reportRefreshFailure(request.key, error, 1, STORE_RETRY);
      return { kind: 'failed', error, retryIn: STORE_RETRY };
    }
    if (request.others !== undefined) return this.#runBatch(job, target, request, request.others);
    return this.#runOne(job, target, request);
  }

  async #runOne(job: JobCore, target: Target, request: RefreshRequest): Promise<RefreshOutcome> {
    for (;;) {
      const acquired = await this.#acquire(job, request);
      switch (acquired.kind) {
        case 'unreachable':
          // Not an attempt: the request waits until the store is back.
          return { kind: 'busy', retryIn: STORE_RETRY };
        case 'busy':
          return { kind: 'busy', retryIn: acquired.remaining };
        case 'changed':
        case 'backoff': {
          const reason = acquired.kind;
          job.tell(() => ({ type: 'refresh-skipped', job: job.name, key: request.key, reason }));
          return { kind: 'skipped' };
        }
        case 'granted': {
          const filled = await job.flights.run(acquired.lease.token, () =>
            fill(job, {
              target,
              args: request.args,
              key: request.key,
              background: true,
              lease: acquired.lease,
              failures: acquired.failures,
              previous: acquired.previous,
              recordFailure: true,
            }),
          );
          // Invalidated during the fetch: this same request runs once more, which is the one follow-up that is due.
          if (filled.kind === 'unstored' && filled.because === 'revoked') continue;
          job.requests.ended(request.key);
          return this.#outcome(job, request.key, filled, acquired.failures + 1);
        }
      }
    }
  }

  /** The outcome is the worst of all keys; one that needs more than its share of the fetch is run by itself. */
  async #runBatch(
    job: JobCore,
    target: Target,
    request: RefreshRequest,
    others: readonly RequestedKey[],
  ): Promise<RefreshOutcome> {
    const keys = [request, ...others];
    const { fetchMany } = job.definition;
    if (fetchMany === undefined) return this.#runEach(job, target, request, keys);
    const { filled, busyFor } = await refreshBatch(job, target, keys, fetchMany);
    const outcomes: RefreshOutcome[] = busyFor === undefined ? [] : [{ kind: 'busy', retryIn: busyFor }];
    const again: RequestedKey[] = [];
    let failed = false;
    for (const { requested, filled: each, attempt } of filled) {
      if (each.kind === 'unstored' && each.because === 'revoked') {
        again.push(requested);
        continue;
      }
      job.requests.ended(requested.key);
      // A fetch fails for all of its keys, and is reported once.
      if (each.kind === 'failed' && failed) continue;
      failed ||= each.kind === 'failed';
      outcomes.push(this.#outcome(job, requested.key, each, attempt));
    }
    if (again.length > 0) outcomes.push(await this.#runEach(job, target, request, again));
    return worstOf(outcomes);
  }

  async #runEach(
    job: JobCore,
    target: Target,
    request: RefreshRequest,
    keys: readonly RequestedKey[],
  ): Promise<RefreshOutcome> {
    const { job: name, options } = request;
    const outcomes = await Promise.all(
      keys.map((key) => this.#runOne(job, target, { ...key, job: name, options })),
    );
    return worstOf(outcomes);
  }

  async #acquire(
    job: JobCore,
    request: RefreshRequest,
  ): Promise<Acquisition | { readonly kind: 'unreachable' }> {
    const { key, generation } = request;
    try {
      const claim = { lease: job.policy.lease, generation, respectBackoff: true, takeOver: false };
      return await job.store.acquire(key, claim);
    } catch (error) {
      job.reportStoreFailure('acquire', key, error);
      return { kind: 'unreachable' };
    }
  }

  #outcome(job: JobCore, key: string, filled: Filled, attempt: number): RefreshOutcome {
    switch (filled.kind) {
      case 'stored':
        return { kind: 'stored' };
      case 'unstored':
        return filled.because === 'unreachable' ? { kind: 'busy', retryIn: STORE_RETRY } : { kind: 'skipped' };
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
    if (!this.#unknown.has(job)) {
      this.#unknown.add(job);
      this.observer.observe({ type: 'unknown-job', job, key, error });
    }
    return { kind: 'unknown-job', error };
  }
}

/** What the queue must know of many outcomes: a failure before what has to wait, and that before what is done with. */
function worstOf(outcomes: readonly RefreshOutcome[]): RefreshOutcome {
  for (const kind of ['failed', 'busy', 'stored'] as const) {
    const found = outcomes.find((outcome) => outcome.kind === kind);
    if (found !== undefined) return found;
  }
  return { kind: 'skipped' };
}
