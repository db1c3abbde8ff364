import { createContext, type RefreshContext } from './fetch-context.js';
import type { WishesOf } from './fetch-wishes.js';
import type { Entry } from '../entry.js';
import { FetchTimeoutError } from '../errors.js';
import type { Dependencies } from '../job/dependencies.js';
import { currentFlow, FetchFlow } from '../job/fetch-flow.js';
import type { Filling } from '../job/filling.js';
import type { JobCore } from '../job/job-core.js';
import type { Lease } from '../ports.js';

interface Surroundings {
  /** Collects the cached values that the fetch reads; undefined when they do not matter. */
  readonly dependencies: Dependencies | undefined;
  readonly wishesOf: WishesOf;
}

/**
 * Runs the user's fetch with its deadline and its context, and renews all leases that it fills while it runs. Rejects
 * with the fetch's own error, or with a {@link FetchTimeoutError} at the deadline.
 */
export function fetchUnderLease<Result>(
  job: JobCore,
  fillings: readonly Filling[],
  about: Surroundings,
  fetch: () => Promise<Result>,
): Promise<Result> {
  return new RunningFetch<Result>(job, fillings, about).run(fetch);
}

const NOTHING: Pick<Filling, 'key' | 'background' | 'failures' | 'previous'> = {
  key: '',
  background: false,
  failures: 0,
  previous: () => undefined,
};

/** A fetch while it runs. One object and one timer: of what a fill in memory costs, most is what it allocates. */
class RunningFetch<Result> {
  readonly #flow: FetchFlow;
  readonly #startedAt: number;
  /** Those that this process still holds, as far as it knows. */
  #leases: Lease[] = [];
  #isRenewing = false;
  /** Milliseconds until the deadline, at the last tick. */
  #left: number;
  #cancelTick: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  /** Made when the fetch first asks for its signal: a controller with a listener costs more than the rest of a fill. */
  #controller: AbortController | undefined;
  /** Set when the deadline has passed. */
  #error: FetchTimeoutError | undefined;
  #isOver = false;

  constructor(
    private readonly job: JobCore,
    private readonly fillings: readonly Filling[],
    private readonly about: Surroundings,
  ) {
    this.#startedAt = job.environment.clock.now();
    this.#left = job.policy.fetchTimeout;
    for (const { lease } of fillings) if (lease !== undefined) this.#leases.push(lease);
    // The fetch is a part of the fetch that reads it, if there is one.
    const outer = currentFlow();
    const isBackground = fillings[0]?.background === true || outer?.buildsOnNew === true;
    const keys = fillings.map(({ key }) => key);
    const context = (): RefreshContext => this.#createContext();
    this.#flow = new FetchFlow(context, keys, about.dependencies, job.policy.nested && isBackground, outer);
  }

  /** Settles as the fetch does, or rejects when the deadline has passed. */
  run(fetch: () => Promise<Result>): Promise<Result> {
    const { job } = this;
    job.counters.fetches++;
    job.counters.inFlight++;
    this.#tickLater();
    for (const key of this.#flow.keys) job.fetching.set(key, this.#flow);
    // One promise. `Promise.race` would make five for each fetch.
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      const failed = (error: unknown): void => {
        this.#end();
        reject(error);
      };
      try {
        this.#flow.enter(fetch).then((value) => {
          this.#end();
          resolve(value);
        }, failed);
      } catch (error) {
        failed(error);
      }
    });
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#error !== undefined) this.#controller.abort(this.#error);
    }
    return this.#controller.signal;
  }

  #createContext(): RefreshContext {
    const { key, background, failures, previous } = this.fillings[0] ?? NOTHING;
    const isOne = this.fillings.length === 1;
    const valueOf = (entry: Entry | undefined): unknown =>
      // A copy, because readers share the stored value and the fetch may change this one.
      entry?.kind === 'value' ? this.job.forReader(entry) : undefined;
    const facts = { key, background, attempt: failures + 1 };
    return createContext(facts, this, () => (isOne ? valueOf(previous()) : undefined), this.about.wishesOf);
  }

  /**
   * The next tick renews the leases, or is the deadline. Renewing every third of the lease leaves room for two lost
   * attempts. The ticks are counted and no clock is read, since somebody may set it. They are whole milliseconds, so that
   * their sum is exact.
   */
  #tickLater(): void {
    const { policy, environment } = this.job;
    const third = Math.max(1, Math.floor(policy.lease / 3));
    const step = this.#leases.length === 0 ? this.#left : Math.min(this.#left, third);
    this.#cancelTick = environment.clock.schedule(step, () => {
      this.#left -= step;
      if (this.#left <= 0) {
        this.#expire();
        return;
      }
      void this.#renew();
      this.#tickLater();
    });
  }

  async #renew(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    const { job } = this;
    const renewed = await Promise.all(
      this.#leases.map(async (lease) => {
        const held = await job.attempt('renew', lease.key, () => job.store.renew(lease, job.policy.lease));
        // A store that did not answer may still hold the lease. One that answered no has given it to another holder.
        return held === false ? [] : lease;
      }),
    );
    this.#leases = renewed.flat();
    this.#isRenewing = false;
  }

  #expire(): void {
    const { job, fillings } = this;
    this.#error = new FetchTimeoutError(job.name, (fillings[0] ?? NOTHING).key, job.policy.fetchTimeout);
    this.#settle();
    // Before the signal, so that what the fetch makes of its signal does not hide the reason.
    this.#reject(this.#error);
    this.#controller?.abort(this.#error);
  }

  /** The fetch itself has ended, maybe after its deadline. Those that wait for its keys found it until now. */
  #end(): void {
    const { fetching } = this.job;
    this.#flow.leave();
    for (const key of this.#flow.keys) if (fetching.get(key) === this.#flow) fetching.delete(key);
    if (!this.#isOver) this.#settle();
  }

  /** Nobody waits for the fetch any more. */
  #settle(): void {
    const { job, fillings } = this;
    const { key, background } = fillings[0] ?? NOTHING;
    this.#isOver = true;
    this.#cancelTick();
    const took = job.environment.clock.now() - this.#startedAt;
    job.counters.inFlight--;
    job.counters.fetchTime.record(took);
    job.tell(() => ({ type: 'fetched', job: job.name, key, background, duration: took / 1_000 }));
  }
}
