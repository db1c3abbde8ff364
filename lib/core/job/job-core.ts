import { Counters } from '../stats/counters.js';
import { StoreSuspendedError } from '../errors.js';
import type { CacheEvent } from '../events.js';
import { FailingKeys } from './failing-keys.js';
import type { FetchFlow } from './fetch-flow.js';
import type { Filled } from './filled.js';
import type { JobDefinition } from './job.js';
import { ArgumentCopies } from './argument-copies.js';
import { type ContextBinding, JobContext } from './job-context.js';
import { JobKeys } from './job-keys.js';
import { LaterFlight } from './later-flight.js';
import type { Arguments, JobPolicy, Target } from '../policy/policy.js';
import type { Acquisition, Awaitable, Claim, Clock, Observer, Store, Timetable } from '../ports.js';
import { Pace } from './pace.js';
import type { RefreshRequests } from './refresh-requests.js';
import { SingleFlight } from './single-flight.js';
import { TurnGroups } from './turn-groups.js';
import { copyPortable, copyUnshared } from '../value/portable.js';
import type { ValueTypeRegistry } from '../value/value-type-registry.js';
import type { ValueTypes } from '../value/value-types.js';

/** What all jobs of one cache share. */
export interface Environment {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly timetable: Timetable;
  readonly valueTypes: ValueTypeRegistry;
  /** What values depend on beside their arguments. */
  readonly context?: ContextBinding | undefined;
  /** A failure as it is remembered, so that `restoreError` knows its class. */
  nameError?(error: unknown): unknown;
  /** Turns a remembered error into an error of the framework's own class again. */
  restoreError(error: unknown): unknown;
  /** A number from 0 to 1, for jitter. */
  random(): number;
}

/** One job with its store: the state and the reporting that its reads, fills and writes share. */
export class JobCore {
  readonly name: string;
  readonly policy: JobPolicy;
  readonly counters = new Counters();
  readonly failing = new FailingKeys();
  readonly keys: JobKeys;
  readonly argumentCopies: ArgumentCopies;
  readonly context: JobContext;
  /** Classes whose instances survive in this job's values. */
  readonly valueTypes: ValueTypes;
  /** Running fills of this process, by the token of their lease. */
  readonly flights = new SingleFlight<Filled>();
  /** Running fetches whose values cannot be stored, by key. */
  readonly unstored = new LaterFlight<Filled>();
  /** Running fetches of this process, by key. A read that waits for a key waits for its fetch. */
  readonly fetching = new Map<string, FetchFlow>();
  /** Claims of missing keys on their way to the store, by key, so that concurrent misses send one. */
  readonly firstClaims = new SingleFlight<Acquisition | undefined>();
  /** Other claims on their way to the store, by what they ask for. */
  readonly claims = new SingleFlight<Acquisition | undefined>();
  /** What was fetched by `fetchMany`, on its way to the store. */
  readonly storing: Pace;
  /** Misses of this turn of the event loop. */
  readonly groups = new TurnGroups();
  #classesReported = false;

  constructor(
    readonly definition: JobDefinition,
    readonly store: Store,
    readonly environment: Environment,
    readonly requests: RefreshRequests,
  ) {
    this.name = definition.name;
    this.policy = definition.policy;
    this.storing = new Pace(environment.clock);
    this.keys = new JobKeys(definition.name, definition.policy);
    this.context = new JobContext(this.name, this.policy.context ? environment.context : undefined);
    this.valueTypes = environment.valueTypes.ofJob(definition.name, definition.policy.types);
    this.argumentCopies = new ArgumentCopies(definition.name, definition.argumentClasses ?? [], this.valueTypes);
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

  /** A stored value as a reader gets it: without any part that the reader could change for others. */
  forReader({ value, copyOnRead }: { readonly value: unknown; readonly copyOnRead: boolean }): unknown {
    // Entries may come from a release in which the job had other types, so every known class is kept.
    if (!this.policy.readOnly) return copyPortable(value, this.environment.valueTypes.all);
    return copyOnRead ? copyUnshared(value, this.environment.valueTypes.all) : value;
  }

  /** Emits an event, which is made only if somebody listens. */
  tell(event: () => CacheEvent): void {
    if (this.environment.observer.active) this.environment.observer.observe(event());
  }

  /**
   * Runs a step that may fail without failing the whole operation. A failure is reported, and the result is undefined.
   * Synchronous when the step is.
   */
  attempt<Result>(operation: string, key: string, step: () => Awaitable<Result>): Awaitable<Result | undefined> {
    try {
      const result = step();
      return result instanceof Promise ? this.#attemptLater(operation, key, result) : result;
    } catch (error) {
      this.reportStoreFailure(operation, key, error);
      return undefined;
    }
  }

  /** A function of its own, so that a store in the process pays for no closure. */
  #attemptLater<Result>(operation: string, key: string, step: Promise<Result>): Promise<Result | undefined> {
    return step.catch((error: unknown) => {
      this.reportStoreFailure(operation, key, error);
      return undefined;
    });
  }

  /**
   * Asks the store for the lease of a key. Undefined when the store did not answer, which has been reported. Use an answer at
   * once that is no promise: a reader that comes between the grant and the start of the flight finds the lease taken, and no
   * flight to join.
   */
  acquire(key: string, wanted: Omit<Claim, 'lease'>): Awaitable<Acquisition | undefined> {
    const { generation, respectBackoff, takeOver } = wanted;
    const claim = { lease: this.policy.lease, generation, respectBackoff, takeOver };
    return this.attempt('acquire', key, () => this.store.acquire(key, claim));
  }

  reportStoreFailure(operation: string, key: string, error: unknown): void {
    // An operation that the open circuit refused was not tried, and the failures that opened the circuit have been
    // reported.
    if (error instanceof StoreSuspendedError) return;
    this.environment.observer.observe({ type: 'store-failed', job: this.name, key, operation, error });
  }

  reportRefreshFailure(key: string, error: unknown, failures: number, retryIn: number): void {
    const now = this.environment.clock.now();
    this.failing.failed(key, now, now + retryIn);
    const retryAt = new Date(now + retryIn);
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

  /** Reports once per job, and never when `processResult` can build the instances again. */
  reportClasses(key: string, classNames: readonly string[]): void {
    if (this.#classesReported || this.policy.processResult !== undefined) return;
    this.#classesReported = true;
    this.environment.observer.observe({ type: 'class-lost', job: this.name, key, classNames });
  }
}
