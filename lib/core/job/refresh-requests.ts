import type { Entry } from '../entry.js';
import type { ArgumentCopies } from './argument-copies.js';
import { encodeArguments } from './key.js';
import type { JobContext } from './job-context.js';
import type { Counters } from '../stats/counters.js';
import type { Arguments, JobPolicy } from '../policy/policy.js';
import { QueueClosedError, QueueFullError } from '../errors.js';
import { FullQueueReports } from './full-queue-reports.js';
import type { CacheEvent } from '../events.js';
import type { Awaitable, Clock, Observer, RefreshQueue, RefreshRequest, Store } from '../ports.js';

/** How many requested keys are remembered. A forgotten one costs a request that the queue deduplicates. */
const REMEMBERED = 10_000;
/**
 * Milliseconds for which a request for a key without a value prevents others. Short, because such a key has no
 * generation that would show that a value came and went.
 */
const NOTHING_REMEMBERED = 1_000;
/** Milliseconds for which a key is not requested again that a full queue has refused. */
const DROPPED_REMEMBERED = 1_000;

/** The part of a job that a request needs. */
interface Requester {
  readonly name: string;
  /** How many keys one fetch may get; 1 for a job without `fetchMany`. */
  readonly batchSize: number;
  readonly policy: JobPolicy;
  readonly counters: Counters;
  readonly argumentCopies: Pick<ArgumentCopies, 'pack'>;
  readonly context: Pick<JobContext, 'copy'>;
  readonly store: Pick<Store, 'capabilities' | 'now'>;
  tell(event: () => CacheEvent): void;
}

/** A key, with what a fetch of it needs. */
interface Wanted {
  readonly key: string;
  readonly args: Arguments;
  readonly context: unknown;
}

/** The state of a key for which a refresh is due. */
type Seen = Pick<Entry, 'generation' | 'failure'>;

interface Waiting {
  readonly job: Requester;
  readonly request: RefreshRequest;
}

/** The state of the entry for which a refresh was requested. */
interface Mark {
  readonly generation: string;
  readonly failures: number;
  /** When the request counts as lost. */
  readonly until: number;
}

/**
 * Sends refresh requests to the queue. They leave at the end of the turn of the event loop, off the reader's path, one
 * for each key and state of its entry. What the queue does not take is refreshed in this process.
 */
export class RefreshRequests {
  readonly #marks = new Map<string, Mark>();
  #waiting: Waiting[] = [];
  readonly #fullThere: FullQueueReports;
  readonly #fullHere: FullQueueReports;

  constructor(
    private readonly clock: Clock,
    private readonly observer: Observer,
    /** Runs refreshes in this process: all of them, or those that `queue` does not take. */
    private readonly inProcess: RefreshQueue,
    private readonly queue: RefreshQueue | undefined,
  ) {
    this.#fullThere = new FullQueueReports(clock, observer);
    this.#fullHere = new FullQueueReports(clock, observer);
  }

  /**
   * Requests a refresh of the state that a reader saw, unless that has been requested. Costs a map lookup and returns
   * at once.
   */
  want(job: Requester, wanted: Wanted, seen: Seen | undefined): void {
    const { key } = wanted;
    const generation = seen?.generation ?? '';
    const failures = seen?.failure?.count ?? 0;
    const now = this.clock.now();
    const mark = this.#marks.get(key);
    if (mark?.generation === generation && mark.failures === failures && now < mark.until) return;
    const remembered = Math.min(job.policy.refreshTimeout, longestMemory(seen));
    this.#remember(key, { generation, failures, until: now + remembered }, now);
    this.#send(job, wanted, generation);
  }

  /** Records that a refresh of the key has ended in this process, so that the next one may be requested. */
  ended(key: string): void {
    this.#marks.delete(key);
  }

  /** Undefined where nobody can say: a request for many keys is known by all of them together. */
  isWaiting(job: Requester, key: string, generation: string): Awaitable<boolean | undefined> {
    if (job.batchSize > 1) return undefined;
    return this.#queueOf(job).isWaiting?.({ key, generation });
  }

  /** How many live workers know the job of the key. Undefined where nobody can say. */
  workersFor(job: Requester, key: string): Awaitable<number | undefined> {
    return this.#queueOf(job).workersFor?.(key);
  }

  #queueOf({ store }: Requester): RefreshQueue {
    return this.queue === undefined || !store.capabilities.shared ? this.inProcess : this.queue;
  }

  #send(job: Requester, { key, args, context }: Wanted, generation: string): void {
    let travelling: { readonly args: Arguments; readonly context: unknown };
    try {
      travelling = { args: job.argumentCopies.pack(args), context: job.context.copy(context) };
    } catch (error) {
      this.observer.observe({ type: 'queue-failed', job: job.name, key, error });
      return;
    }
    job.counters.requested++;
    job.tell(() => ({ type: 'refresh-requested', job: job.name, key }));
    const { queue: options } = job.policy;
    const trace = this.observer.tracing?.current();
    const origin = trace === undefined ? { at: job.store.now() } : { at: job.store.now(), trace };
    const request = { job: job.name, key, generation, ...travelling, options, origin };
    if (this.#waiting.push({ job, request }) === 1) this.clock.defer(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    const all = this.#waiting;
    this.#waiting = [];
    const { queue } = this;
    // A request in a shared queue may reach any process, but only this one has the entries of a store that is not
    // shared.
    const isOwn = ({ job }: Waiting): boolean =>
      queue === undefined || (queue.shared === true && !job.store.capabilities.shared);
    await Promise.all([
      this.#requestHere(all.filter(isOwn)),
      this.#requestAnywhere(all.filter((each) => !isOwn(each))),
    ]);
  }

  async #requestAnywhere(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      await this.queue?.request(batched(batch));
      this.#fullThere.accepted();
    } catch (error) {
      if (error instanceof QueueFullError) {
        this.#dropped(batch, error, this.#fullThere);
        return;
      }
      // At the end of an application, a tick or a fetch that still runs may request. That is no failure.
      if (!(error instanceof QueueClosedError)) this.#report(batch, error);
      await this.#requestHere(batch);
    }
  }

  async #requestHere(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      await this.inProcess.request(batched(batch));
      this.#fullHere.accepted();
    } catch (error) {
      if (error instanceof QueueFullError) {
        this.#dropped(batch, error, this.#fullHere);
        return;
      }
      this.#report(batch, error);
      // The queue did not take these, so the next reader must be able to request them again.
      for (const { request } of batch) this.#marks.delete(request.key);
    }
  }

  /**
   * The queue has taken some of these, or none. They are not requested again for a moment: each reader of each key would do
   * so otherwise. Those that it has taken are requested twice then, which it notices.
   */
  #dropped(batch: readonly Waiting[], error: QueueFullError, reports: FullQueueReports): void {
    const [first] = batch;
    if (first !== undefined) reports.refused(error, first.request);
    const until = this.clock.now() + DROPPED_REMEMBERED;
    for (const { request } of batch) {
      const mark = this.#marks.get(request.key);
      if (mark !== undefined && mark.until > until) this.#marks.set(request.key, { ...mark, until });
    }
  }

  /** Reports one failure of the queue once, however many requests it affected. */
  #report(batch: readonly Waiting[], error: unknown): void {
    const [first] = batch;
    if (first === undefined) return;
    this.observer.observe({
      type: 'queue-failed',
      job: first.job.name,
      key: first.request.key,
      error,
    });
  }

  #remember(key: string, mark: Mark, now: number): void {
    this.#marks.delete(key);
    // Insertion order is roughly the order of expiry, so expired marks are at the front.
    for (const [oldest, { until }] of this.#marks) {
      if (until > now && this.#marks.size < REMEMBERED) break;
      this.#marks.delete(oldest);
    }
    this.#marks.set(key, mark);
  }
}

/**
 * Milliseconds for which a request may prevent others. A request after a failure may come before the backoff has ended,
 * where this process believes that the store's clock is later than it is, and is skipped then. So it counts for as long as
 * the backoff was.
 */
function longestMemory(seen: Seen | undefined): number {
  if (seen === undefined || seen.generation === '') return NOTHING_REMEMBERED;
  const { failure } = seen;
  return failure === undefined ? Infinity : Math.max(NOTHING_REMEMBERED, failure.retryAt - failure.at);
}

/** Keys of one job and one context that are due at the same time are fetched together where the job can. */
function batched(waiting: readonly Waiting[]): RefreshRequest[] {
  const alone: RefreshRequest[] = [];
  const groups = new Map<string, { readonly size: number; readonly requests: RefreshRequest[] }>();
  for (const { job, request } of waiting) {
    if (job.batchSize === 1) {
      alone.push(request);
      continue;
    }
    const group = encodeArguments(job.name, [job.name, request.context]);
    const known = groups.get(group);
    if (known === undefined) groups.set(group, { size: job.batchSize, requests: [request] });
    else known.requests.push(request);
  }
  return [...alone, ...[...groups.values()].flatMap(({ size, requests }) => chunked(requests, size))];
}

function chunked(requests: readonly RefreshRequest[], size: number): RefreshRequest[] {
  const chunks: RefreshRequest[] = [];
  for (let start = 0; start < requests.length; start += size) {
    const [first, ...rest] = requests.slice(start, start + size);
    if (first === undefined) continue;
    const others = rest.map(({ key, generation, args, context }) => ({ key, generation, args, context }));
    chunks.push(others.length === 0 ? first : { ...first, others });
  }
  return chunks;
}
