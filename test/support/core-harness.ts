import { Cache } from '../../lib/core/cache.js';
import type { CachedJob } from '../../lib/core/cached-job.js';
import type { CacheEvent } from '../../lib/core/events.js';
import type { JobOptions } from '../../lib/core/policy/job-options.js';
import type { Peeked, Reading, SetOptions, WarmOptions, WarmProgress } from '../../lib/core/job/job.js';
import { compilePolicy } from '../../lib/core/policy/compile-policy.js';
import { ValueTypeRegistry } from '../../lib/core/value/value-type-registry.js';
import type { Observer, RefreshQueue, Store } from '../../lib/core/ports.js';
import { CronTimetable } from '../../lib/memory/cron-timetable.js';
import { InProcessRefreshQueue } from '../../lib/memory/in-process-refresh-queue.js';
import { MemoryStore } from '../../lib/memory/memory-store.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { RecordingRefreshQueue } from '../../lib/testing/recording-refresh-queue.js';

/** The start of every test: 14:00. */
export const START = Date.UTC(2026, 0, 1, 14);

export const SECOND = 1_000;
export const MINUTE = 60_000;

class RecordingObserver implements Observer {
  active = true;
  readonly events: CacheEvent[] = [];

  observe(event: CacheEvent): void {
    this.events.push(event);
  }

  /** The types of the events since the last call, in order. */
  trace(): string[] {
    return this.events.splice(0).map(({ type }) => type);
  }

  of<Type extends CacheEvent['type']>(type: Type): Extract<CacheEvent, { type: Type }>[] {
    return this.events.filter((event): event is Extract<CacheEvent, { type: Type }> => event.type === type);
  }
}

export interface ProcessParts {
  clock?: ManualClock;
  store?: Store;
  stores?: ReadonlyMap<string, Store>;
  /** Runs refreshes in this process. *Default:* a queue that records them and runs them when the test says so. */
  inProcess?: RefreshQueue;
  /** A queue between processes, for example one that two processes share. */
  queue?: RefreshQueue;
  random?: () => number;
  valueTypes?: ValueTypeRegistry;
}

/** The cache of one process, with everything around it under the control of a test. */
export class Process {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly observer = new RecordingObserver();
  /** Runs the refreshes, unless the test brought its own queue. */
  readonly recorded = new RecordingRefreshQueue();
  readonly cache: Cache;

  constructor({ clock, store, stores, inProcess, queue, random, valueTypes }: ProcessParts = {}) {
    this.clock = clock ?? new ManualClock(START);
    this.store = store ?? new MemoryStore({ clock: this.clock });
    this.cache = new Cache({
      store: this.store,
      stores: stores ?? new Map(),
      inProcess: inProcess ?? this.recorded,
      queue,
      environment: {
        clock: this.clock,
        observer: this.observer,
        timetable: new CronTimetable(),
        valueTypes: valueTypes ?? new ValueTypeRegistry(),
        restoreError: (error: unknown) => error,
        random: random ?? (() => 0),
      },
    });
    this.cache.work();
  }

  /** A process that runs its refreshes by itself, as the embedded mode does. */
  static refreshing(parts: ProcessParts = {}): Process {
    const clock = parts.clock ?? new ManualClock(START);
    return new Process({ ...parts, clock, inProcess: new InProcessRefreshQueue({ clock }) });
  }

  /** A job with the given fetch. */
  job<Value = string>(
    fetch: Fetch<Value>,
    options: Options<Value> = {},
    { name = 'J', target = {}, fetchMany, resolve = () => target }: Definition = {},
  ): TestJob<Value> {
    const defined = this.cache.define({
      name,
      policy: compilePolicy(name, options as unknown as JobOptions),
      fetch: (owner, args) => Promise.resolve(Reflect.apply(fetch, owner, args)),
      fetchMany: fetchMany && (async (owner, argsList) => Reflect.apply(fetchMany, owner, [argsList]) as unknown[]),
      resolve,
    });
    return new TestJob<Value>(defined, target);
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  /** Runs everything that follows from what has happened. */
  async settle(): Promise<void> {
    await this.clock.advance(0);
  }

  trace(): string[] {
    return this.observer.trace();
  }
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests call fetches of every kind
type Args = any[];
type Fetch<Value> = (...args: Args) => Value | Promise<Value>;
type Options<Value> = JobOptions<Args, Value>;

interface Definition {
  name?: string;
  target?: object;
  fetchMany?: (argsList: readonly Args[]) => unknown;
  resolve?: () => object | Promise<object>;
}

/** A job as its owner calls it. */
export class TestJob<Value = string> {
  constructor(
    readonly cached: CachedJob,
    readonly target: object,
  ) {}

  get core(): CachedJob['core'] {
    return this.cached.core;
  }

  get(...args: Args): Promise<Value> {
    return this.cached.get(this.target, args) as Promise<Value>;
  }

  read(...args: Args): Promise<Reading<Value>> {
    return this.cached.read(this.target, args) as Promise<Reading<Value>>;
  }

  peek(...args: Args): Promise<Peeked<Value> | undefined> {
    return this.cached.peek(this.target, args) as Promise<Peeked<Value> | undefined>;
  }

  set(args: Args, value: Value, options?: SetOptions): Promise<void> {
    return this.cached.set(this.target, args, value, options);
  }

  refresh(...args: Args): Promise<Value> {
    return this.cached.refresh(this.target, args) as Promise<Value>;
  }

  invalidate(...args: Args): Promise<void> {
    return this.cached.invalidate(this.target, args);
  }

  delete(...args: Args): Promise<boolean> {
    return this.cached.delete(this.target, args);
  }

  getMany(argsList: readonly Args[]): Promise<Value[]> {
    return this.cached.getMany(this.target, argsList) as Promise<Value[]>;
  }

  warm(argsList: readonly Args[], options?: WarmOptions): Promise<WarmProgress> {
    return this.cached.warm(this.target, argsList, options);
  }
}

/** A fetch whose n-th call returns `v<n>`. */
export function counting(): ((...args: Args) => Promise<string>) & { readonly calls: Args[] } {
  const calls: Args[] = [];
  const fetch = async (...args: Args): Promise<string> => `v${String(calls.push(args))}`;
  return Object.assign(fetch, { calls });
}

/** Resolves to the outcome of a promise within this turn of events: its value, its error, or that it is pending. */
export async function outcomeOf(
  promise: Promise<unknown>,
): Promise<{ value: unknown } | { error: unknown } | 'pending'> {
  let outcome: { value: unknown } | { error: unknown } | 'pending' = 'pending';
  promise.then(
    (value) => (outcome = { value }),
    (error: unknown) => (outcome = { error }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return outcome;
}
