import type { RefreshHandler, RefreshOutcome, RefreshQueue, RefreshRequest, Schedule } from '../core/ports.js';
import { identityOf } from '../core/job/refresh-identity.js';

interface Pending {
  readonly request: RefreshRequest;
  attempt: number;
}

/**
 * Records requests and runs them when a test says so, in their order. Delays and priorities are recorded and not
 * followed. As in every queue, a request for a key and generation that is pending is not taken again.
 */
export class RecordingRefreshQueue implements RefreshQueue {
  /** Every request that was taken. */
  readonly requests: RefreshRequest[] = [];
  /** Every request that was made, including duplicates and refused ones. */
  readonly asked: RefreshRequest[] = [];
  /** The schedules that were set last. */
  schedules: readonly Schedule[] = [];
  /** Whether `close` was called. */
  closed = false;
  readonly #pending: Pending[] = [];
  readonly #failures: unknown[] = [];
  #handler: RefreshHandler | undefined;
  #tick: (name: string) => Promise<void> = () => Promise.resolve();

  /** Requests that have not been run, or will run again. */
  get pending(): readonly RefreshRequest[] {
    return this.#pending.map(({ request }) => request);
  }

  async request(requests: readonly RefreshRequest[]): Promise<void> {
    this.asked.push(...requests);
    if (this.#failures.length > 0) throw this.#failures.shift();
    for (const request of requests) {
      if (this.#pending.some((other) => isSame(other.request, request))) continue;
      this.requests.push(request);
      this.#pending.push({ request, attempt: 1 });
    }
  }

  process(handler: RefreshHandler): void {
    this.#handler = handler;
  }

  schedule(schedules: readonly Schedule[], tick: (name: string) => Promise<void>): void {
    this.schedules = schedules;
    this.#tick = tick;
  }

  /** Runs a schedule as if its time had come. */
  async tick(name: string): Promise<void> {
    await this.#tick(name);
  }

  /** Makes the next `times` calls of `request` fail. */
  failNext(error: unknown = new Error('The queue is down'), times = 1): void {
    for (let time = 0; time < times; time += 1) this.#failures.push(error);
  }

  /** Runs the oldest pending request. Undefined when there is none. */
  async runNext(): Promise<RefreshOutcome | undefined> {
    const handler = this.#handler;
    if (handler === undefined) throw new Error('This queue has no handler: call process(handler) first');
    const [next] = this.#pending;
    if (next === undefined) return undefined;
    const outcome = await handler(next.request, next.attempt);
    // The request is pending until here, so that one made meanwhile is a duplicate.
    const index = this.#pending.indexOf(next);
    if (index >= 0) this.#pending.splice(index, 1);
    if (runsAgain(next, outcome)) this.#pending.push(next);
    return outcome;
  }

  /**
   * Runs everything that is pending now, each request once. Requests made meanwhile, or to be tried again, stay
   * pending.
   */
  async run(): Promise<RefreshOutcome[]> {
    const outcomes: RefreshOutcome[] = [];
    for (let left = this.#pending.length; left > 0; left -= 1) {
      const outcome = await this.runNext();
      if (outcome !== undefined) outcomes.push(outcome);
    }
    return outcomes;
  }

  /** Forgets everything recorded and everything pending. */
  reset(): void {
    this.requests.length = 0;
    this.asked.length = 0;
    this.#pending.length = 0;
    this.#failures.length = 0;
  }

  close(): void {
    this.closed = true;
    this.#pending.length = 0;
  }
}

function isSame(one: RefreshRequest, other: RefreshRequest): boolean {
  return identityOf(one) === identityOf(other);
}

/** Also counts a failed attempt. */
function runsAgain(pending: Pending, outcome: RefreshOutcome): boolean {
  switch (outcome.kind) {
    case 'stored':
    case 'skipped':
      return false;
    case 'again':
    case 'busy':
    case 'unknown-job':
      return true;
    case 'failed':
      return pending.attempt++ < (pending.request.options.attempts ?? 1);
  }
}
