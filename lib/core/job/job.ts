import type { Explanation } from './explanation.js';
import type { Duration } from '../policy/duration.js';
import type { Arguments, JobPolicy, Target } from '../policy/policy.js';
import type { Awaitable } from '../ports.js';
import type { Constructor } from '../value/value-types.js';

/** What the Nest binding provides for one job. */
export interface JobDefinition {
  readonly name: string;
  readonly policy: JobPolicy;
  readonly fetch: (target: Target, args: Arguments) => Promise<unknown>;
  /** Fetches many values at once, and returns them in the order of the list. */
  readonly fetchMany?: ((target: Target, argsList: readonly Arguments[]) => Promise<readonly unknown[]>) | undefined;
  /** Classes of the parameters, so that a refresh in another process gets instances of them. */
  readonly argumentClasses?: readonly Constructor[] | undefined;
  /** Finds the live provider that fetches when no caller brings an instance. */
  readonly resolve: () => Awaitable<Target>;
}

/** A decorated method, or a job class: something that can be fetched, and is read from the cache. */
export interface Job<Args extends readonly unknown[] = readonly unknown[], Value = unknown> {
  /** The name in keys, logs and the queue. */
  readonly name: string;
  /** The value, from the cache whenever there is one. Rejects only with an error of `fetch` or an unusable argument. */
  get(...args: Args): Promise<Value>;
  /** As `get`, with how the value came. */
  read(...args: Args): Promise<Reading<Value>>;
  /** The stored entry, or undefined. Triggers nothing. */
  peek(...args: Args): Promise<Peeked<Value> | undefined>;
  /** Why the key has the value it has, in data and in words. Changes nothing. Costs up to three round trips. */
  explain(...args: Args): Promise<Explanation>;
  /** Stores a value; a fetch under way will not overwrite it. Rejects when the store did not take it. */
  set(args: Args, value: Value, options?: SetOptions): Promise<void>;
  /** Fetches now, stores, and returns the new value. */
  refresh(...args: Args): Promise<Value>;
  /** Makes the value stale and requests a refresh. Readers get the old value until the new one is stored. */
  invalidate(...args: Args): Promise<void>;
  /** Removes the value, so that the next read is a miss. True when there was one. */
  delete(...args: Args): Promise<boolean>;
  /**
   * Makes every entry of the job stale, whatever its arguments; each is refreshed at its next read. Costs one look at
   * every key of the store, and one operation per entry.
   */
  invalidateAll(): Promise<void>;
  /** Removes every entry of the job, whatever its arguments. Costs as much as `invalidateAll`. */
  deleteAll(): Promise<void>;
  /** Many values with one round trip to the store, in the order of the list. */
  getMany(argsList: readonly Args[]): Promise<Value[]>;
  /** Fetches what is not fresh, at most `concurrency` at a time. Failures are counted, not thrown. */
  warm(argsList: readonly Args[], options?: WarmOptions): Promise<WarmProgress>;
}

/** The calls of a job with the instance on which a fetch runs. */
export interface TargetedJob {
  readonly name: string;
  /** A copy of arguments, or of a list of them, for a call that has to wait for its target. Never throws. */
  keep<List extends readonly unknown[]>(args: List): List;
  get(target: Target, args: Arguments): Promise<unknown>;
  read(target: Target, args: Arguments): Promise<Reading>;
  peek(target: Target, args: Arguments): Promise<Peeked | undefined>;
  explain(target: Target, args: Arguments): Promise<Explanation>;
  set(target: Target, args: Arguments, value: unknown, options?: SetOptions): Promise<void>;
  refresh(target: Target, args: Arguments): Promise<unknown>;
  invalidate(target: Target, args: Arguments): Promise<void>;
  delete(target: Target, args: Arguments): Promise<boolean>;
  invalidateAll(): Promise<void>;
  deleteAll(): Promise<void>;
  getMany(target: Target, argsList: readonly Arguments[]): Promise<unknown[]>;
  warm(target: Target, argsList: readonly Arguments[], options?: WarmOptions): Promise<WarmProgress>;
}

/** A value, and how it came. */
export interface Reading<Value = unknown> {
  /** What `get` returns. */
  readonly value: Value;
  /** What the read found: a fresh value, a stale one that was served, or nothing to serve. */
  readonly status: 'hit' | 'stale' | 'miss';
  /** Seconds since the start of the fetch that got the value. */
  readonly age: number;
  /** Whether a newer value has been requested. */
  readonly refreshing: boolean;
}

/** A stored entry, as it is. */
export interface Peeked<Value = unknown> {
  /** The stored value. Undefined where a failure is remembered. */
  readonly value: Value;
  /** Seconds since the start of the fetch that got the value. */
  readonly age: number;
  /** The start of the fetch that got the value. */
  readonly storedAt: Date;
  /** The last instant at which the value is fresh. */
  readonly freshUntil: Date;
  /** The last instant at which it may be served. */
  readonly staleUntil: Date;
  /** Whether a read would find it fresh or stale. */
  readonly status: 'fresh' | 'stale';
  /** Names under which `invalidateTags` and `deleteTags` find the entry. */
  readonly tags: readonly string[];
  /** The failure that is remembered in the place of a value. */
  readonly error?: unknown;
  /** Refreshes that failed since the value was written. */
  readonly failures: number;
  /** Message of the latest of these failures. */
  readonly lastError?: string;
  /** No process attempts a refresh before this instant. */
  readonly nextAttempt?: Date;
}

/** What `set` does differently from the options of the job. */
export interface SetOptions {
  /** *Default:* the job's. */
  ttl?: Duration;
  /** *Default:* the job's. */
  grace?: Duration;
  /** *Default:* the job's. */
  tags?: readonly string[];
}

/** How `warm` fills its keys. */
export interface WarmOptions {
  /** *Default:* 4. */
  concurrency?: number;
  /** Called after each key, with the counts so far. */
  onProgress?: (progress: WarmProgress) => void;
}

/** How many keys `warm` has dealt with. */
export interface WarmProgress {
  /** Filled or found fresh. */
  readonly done: number;
  /** Whose fetch failed, or whose arguments cannot be a key. */
  readonly failed: number;
  /** The length of the list. */
  readonly total: number;
}
