import type { Entry } from './entry.js';
import type { Counters } from './counters.js';
import { toPortable } from './portable.js';
import type { Arguments, JobPolicy } from './policy.js';
import type { CacheEvent } from './events.js';
import type { Clock, Observer, RefreshQueue, RefreshRequest, Store } from './ports.js';

/** How many keys are remembered as requested; a forgotten one costs a request that the queue deduplicates. */
const REMEMBERED = 10_000;
/** How long a request for a key without a value keeps others back: the value may come and go, and nothing tells. */
const NOTHING_REMEMBERED = 1_000;

/** What a request needs to know of the job it is for. */
interface Requester {
  readonly name: string;
  /** How many keys one fetch may get; 1 for a job without `fetchMany`. */
  readonly batchSize: number;
  readonly policy: JobPolicy;
  readonly counters: Counters;
  readonly store: Pick<Store, 'capabilities'>;
  tell(event: () => CacheEvent): void;
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
 * Sends requests for refreshes to the queue: off the reader's path, one per key and state of its entry, all of one turn
 * of the event loop together. What the queue does not take is refreshed in this process.
 */
export class RefreshRequests {
  readonly #marks = new Map<string, Mark>();
  #waiting: Waiting[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly observer: Observer,
    /** Refreshes in this process: all, or what `queue` does not take. */
    private readonly inProcess: RefreshQueue,
    private readonly queue: RefreshQueue | undefined,
  ) {}

  /** Asks for a refresh of what somebody saw, unless that has been done. Costs a map lookup, and returns at once. */
  want(job: Requester, key: string, args: Arguments, seen: Seen | undefined): void {
    const generation = seen?.generation ?? '';
    const failures = seen?.failure?.count ?? 0;
    const now = this.clock.now();
    const mark = this.#marks.get(key);
    if (mark?.generation === generation && mark.failures === failures && now < mark.until) return;
    const { refreshTimeout } = job.policy;
    const remembered = generation === '' ? Math.min(refreshTimeout, NOTHING_REMEMBERED) : refreshTimeout;
    this.#remember(key, { generation, failures, until: now + remembered }, now);
    this.#send(job, key, args, generation);
  }

  /** A refresh of the key has ended in this process: whoever finds it in need of one again may ask. */
  ended(key: string): void {
    this.#marks.delete(key);
  }

  #send(job: Requester, key: string, args: Arguments, generation: string): void {
    let travelling: Arguments;
    try {
      travelling = toPortable(job.name, args).value as Arguments;
    } catch (error) {
      this.observer.observe({ type: 'queue-failed', job: job.name, key, error });
      return;
    }
    job.counters.requested++;
    job.tell(() => ({ type: 'refresh-requested', job: job.name, key }));
    const { queue: options } = job.policy;
    const request = { job: job.name, key, generation, args: travelling, options };
    if (this.#waiting.push({ job, request }) === 1) this.clock.defer(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    const all = this.#waiting;
    this.#waiting = [];
    // What only this process has no other one can refresh.
    const isOwn = ({ job }: Waiting): boolean => this.queue === undefined || job.store.capabilities.alone === true;
    await Promise.all([
      this.#requestHere(all.filter(isOwn)),
      this.#requestAnywhere(all.filter((each) => !isOwn(each))),
    ]);
  }

  async #requestAnywhere(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      await this.queue?.request(batched(batch));
    } catch (error) {
      this.#report(batch, error);
      await this.#requestHere(batch);
    }
  }

  async #requestHere(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      await this.inProcess.request(batched(batch));
    } catch (error) {
      this.#report(batch, error);
      // Nobody is working on these: the next reader asks again.
      for (const { request } of batch) this.#marks.delete(request.key);
    }
  }

  /** One failure of the queue is one report, however many requests it hit. */
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
    // Insertion order is about the order of expiry, so the front is where the expired ones are.
    for (const [oldest, { until }] of this.#marks) {
      if (until > now && this.#marks.size < REMEMBERED) break;
      this.#marks.delete(oldest);
    }
    this.#marks.set(key, mark);
  }
}

/** Keys of one job that are due at the same time are fetched together where the job can. */
function batched(waiting: readonly Waiting[]): RefreshRequest[] {
  const byJob = new Map<Requester, RefreshRequest[]>();
  for (const { job, request } of waiting) {
    const requests = byJob.get(job);
    if (requests === undefined) byJob.set(job, [request]);
    else requests.push(request);
  }
  return [...byJob].flatMap(([{ batchSize }, requests]) => {
    if (batchSize === 1) return requests;
    return chunked(requests, batchSize);
  });
}

function chunked(requests: readonly RefreshRequest[], size: number): RefreshRequest[] {
  const chunks: RefreshRequest[] = [];
  for (let start = 0; start < requests.length; start += size) {
    const [first, ...rest] = requests.slice(start, start + size);
    if (first === undefined) continue;
    const others = rest.map(({ key, generation, args }) => ({ key, generation, args }));
    chunks.push(others.length === 0 ? first : { ...first, others });
  }
  return chunks;
}
