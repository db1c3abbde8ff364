import type { Duration } from './duration.js';
import type { Arguments, JobPolicy, Target } from './policy.js';
import type { Awaitable } from './ports.js';

/** What the binding gives the core for one job. */
export interface JobDefinition {
  readonly name: string;
  readonly policy: JobPolicy;
  readonly fetch: (target: Target, args: Arguments) => Promise<unknown>;
  /** Fetches many at once; the values in the order of the list. */
  readonly fetchMany?:
    | ((target: Target, argsList: readonly Arguments[]) => Promise<readonly unknown[]>)
    | undefined;
  /** The live provider to fetch with when no caller brings one. */
  readonly resolve: () => Awaitable<Target>;
}

/** A decorated method, or a job class: something that can be fetched, and is read from the cache. */
export interface Job<Args extends readonly unknown[] = readonly unknown[], Value = unknown> {
  readonly name: string;
  /** The value, from the cache whenever there is one. Rejects only with an error of `fetch` or an unusable argument. */
  get(...args: Args): Promise<Value>;
  /** As `get`, with how the value came. */
  read(...args: Args): Promise<Reading<Value>>;
  /** The stored entry, or undefined. Triggers nothing. */
  peek(...args: Args): Promise<Peeked<Value> | undefined>;
  /** Stores a value by hand; a fetch under way will not overwrite it. Rejects when the store did not take it. */
  set(args: Args, value: Value, options?: SetOptions): Promise<void>;
  /** Fetches now, stores, and returns the new value. */
  refresh(...args: Args): Promise<Value>;
  /** Makes the value stale and requests a refresh; readers get the old value until it lands. */
  invalidate(...args: Args): Promise<void>;
  /** Removes the value; the next read is a miss. True: there was one. */
  delete(...args: Args): Promise<boolean>;
  /** Many values with one round trip to the store, in the order of the list. */
  getMany(argsList: readonly Args[]): Promise<Value[]>;
  /** Fills what is not fresh, at most `concurrency` at a time. Failures are counted, not thrown. */
  warm(argsList: readonly Args[], options?: WarmOptions): Promise<WarmProgress>;
}

/** The calls of a job for whichever instance is asked: its fetch runs on that instance. */
export interface TargetedJob {
  readonly name: string;
  get(target: Target, args: Arguments): Promise<unknown>;
  read(target: Target, args: Arguments): Promise<Reading>;
  peek(target: Target, args: Arguments): Promise<Peeked | undefined>;
  set(target: Target, args: Arguments, value: unknown, options?: SetOptions): Promise<void>;
  refresh(target: Target, args: Arguments): Promise<unknown>;
  invalidate(target: Target, args: Arguments): Promise<void>;
  delete(target: Target, args: Arguments): Promise<boolean>;
  getMany(target: Target, argsList: readonly Arguments[]): Promise<unknown[]>;
  warm(target: Target, argsList: readonly Arguments[], options?: WarmOptions): Promise<WarmProgress>;
}

/** A value and how it came. */
export interface Reading<Value = unknown> {
  readonly value: Value;
  /** What the read met: a fresh value, a stale one that was served, or nothing to serve. */
  readonly status: 'hit' | 'stale' | 'miss';
  /** Seconds since the start of the fetch that got the value. */
  readonly age: number;
  /** A newer value has been asked for. */
  readonly refreshing: boolean;
}

/** A stored entry as it lies there. */
export interface Peeked<Value = unknown> {
  readonly value: Value;
  /** Seconds since the start of the fetch that got the value. */
  readonly age: number;
  readonly storedAt: Date;
  readonly freshUntil: Date;
  /** The last instant at which it may be served. */
  readonly staleUntil: Date;
  readonly status: 'fresh' | 'stale';
  readonly tags: readonly string[];
  /** A failure that is remembered in place of a value. */
  readonly error?: unknown;
  /** Refreshes that failed since the value was written. */
  readonly failures: number;
  readonly lastError?: string;
  /** No process attempts a refresh before this instant. */
  readonly nextAttempt?: Date;
}

export interface SetOptions {
  /** *Default:* the job's. */
  ttl?: Duration;
  /** *Default:* the job's. */
  grace?: Duration;
  /** *Default:* the job's. */
  tags?: readonly string[];
}

export interface WarmOptions {
  /** *Default:* 4. */
  concurrency?: number;
  onProgress?: (progress: WarmProgress) => void;
}

export interface WarmProgress {
  /** Filled or found fresh. */
  readonly done: number;
  readonly failed: number;
  readonly total: number;
}
