import { Counters } from './counters.js';
import { StoreSuspendedError } from './errors.js';
import type { CacheEvent } from './events.js';
import type { Filled } from './filled.js';
import type { JobDefinition } from './job.js';
import { JobKeys } from './job-keys.js';
import type { Arguments, JobPolicy, Target } from './policy.js';
import type { Acquisition, Awaitable, Clock, Observer, Store } from './ports.js';
import type { RefreshRequests } from './refresh-requests.js';
import { SingleFlight } from './single-flight.js';

/** What every job of one cache shares. */
export interface Environment {
  readonly clock: Clock;
  readonly observer: Observer;
  /** From 0 to 1: for jitter. */
  random(): number;
}

/** One job with its store: the state and the reporting that its read, fill and write paths share. */
export class JobCore {
  readonly name: string;
  readonly policy: JobPolicy;
  readonly counters = new Counters();
  readonly keys: JobKeys;
  /** Fills under way in this process, by the token of their lease. */
  readonly flights = new SingleFlight<Filled>();
  /** Claims on their way to the store, by what they ask for: concurrent misses ask it once. */
  readonly claims = new SingleFlight<Acquisition | undefined>();
  #classesReported = false;

  constructor(
    readonly definition: JobDefinition,
    readonly store: Store,
    readonly environment: Environment,
    readonly requests: RefreshRequests,
  ) {
    this.name = definition.name;
    this.policy = definition.policy;
    this.keys = new JobKeys(definition.name, definition.policy);
  }
  /** How many keys one fetch may get; 1 for a job without `fetchMany`. */
  get batchSize(): number {
    return this.definition.fetchMany === undefined ? 1 : this.policy.batchSize;
  }

  /** The arguments to use: in the key, in `fetch` and everywhere else. */
  prepare(target: Target, args: Arguments): Arguments {
    const { prepareArgs } = this.policy;
    return prepareArgs === undefined ? args : prepareArgs(target, args);
  }

  /** Tells an event, and makes it only if somebody listens. */
  tell(event: () => CacheEvent): void {
    if (this.environment.observer.active) this.environment.observer.observe(event());
  }

  /** A step that may fail without failing what it is part of: its failure is reported, and its result is undefined. */
  async attempt<Result>(
    operation: string,
    key: string,
    step: () => Awaitable<Result>,
  ): Promise<Result | undefined> {
    try {
      return await step();
    } catch (error) {
      this.reportStoreFailure(operation, key, error);
      return undefined;
    }
  }

  reportStoreFailure(operation: string, key: string, error: unknown): void {
    // What the open circuit refused has not been tried, and the failures that opened it have been reported.
    if (error instanceof StoreSuspendedError) return;
    this.environment.observer.observe({ type: 'store-failed', job: this.name, key, operation, error });
  }

  reportRefreshFailure(key: string, error: unknown, failures: number, retryIn: number): void {
    const retryAt = new Date(this.environment.clock.now() + retryIn);
    this.environment.observer.observe({
      type: 'refresh-failed',
      job: this.name,
      key,
      error,
      failures,
      retryAt,
    });
  }

  reportRefused(key: string, error: unknown): void {
    this.environment.observer.observe({ type: 'value-refused', job: this.name, key, error });
  }

  /** Once per job; and never where `processResult` can build the instances again. */
  reportClasses(key: string, classNames: readonly string[]): void {
    if (this.#classesReported || this.policy.processResult !== undefined) return;
    this.#classesReported = true;
    this.environment.observer.observe({ type: 'class-lost', job: this.name, key, classNames });
  }
}
