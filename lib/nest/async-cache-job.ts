import type { Explanation } from '../core/job/explanation.js';
import type { Peeked, Reading, SetOptions, TargetedJob, WarmOptions, WarmProgress } from '../core/job/job.js';
import { UncachedJob } from '../core/uncached-job.js';
import type { AsyncCacheRuntime } from './async-cache-runtime.js';
import { lastValueOf } from './last-value.js';
import { injectRuntime, runtimeOf } from './runtime-of.js';
import { warnWithoutModule } from './warn-without-module.js';

/** The arguments of a job class: those of its `fetch`. */
export type JobArguments<Self extends AsyncCacheJob> = Parameters<Self['fetch']>;
/** The value of a job class: what its `fetch` resolves to. */
export type JobValue<Self extends AsyncCacheJob> = Awaited<ReturnType<Self['fetch']>>;

/**
 * A cached read as a provider. Extend it, override `fetch`, and set `ttl` and other `JobOptions` as attributes or
 * methods. The constructor is for dependency injection only. Inject the class and call `get`.
 *
 * Inside the class itself `this` may be a subclass with another `fetch`, so the compiler needs a cast: `(this as
 * UserTweets).invalidate(username)`.
 *
 * ```ts
 * @Injectable()
 * class UserTweets extends AsyncCacheJob {
 *   ttl = 60;
 *   async fetch(username: string): Promise<Tweet[]> { … }
 * }
 * ```
 */
export abstract class AsyncCacheJob {
  /** Gets a new value. Runs in the caller on a miss, else in the background, in any process that runs refreshes. */
  abstract fetch(...args: unknown[]): Promise<unknown>;

  /** The value, from the cache whenever there is one. Rejects only with an error of `fetch` or an unusable argument. */
  get(...args: JobArguments<this>): Promise<JobValue<this>> {
    return jobOf(this).get(this, args) as Promise<JobValue<this>>;
  }

  /** As `get`, with how the value came. */
  read(...args: JobArguments<this>): Promise<Reading<JobValue<this>>> {
    return jobOf(this).read(this, args) as Promise<Reading<JobValue<this>>>;
  }

  /** The stored entry, or undefined. Triggers nothing. */
  peek(...args: JobArguments<this>): Promise<Peeked<JobValue<this>> | undefined> {
    return jobOf(this).peek(this, args) as Promise<Peeked<JobValue<this>> | undefined>;
  }

  /** Why the key has the value it has, in data and in words. Changes nothing. Costs up to three round trips. */
  explain(...args: JobArguments<this>): Promise<Explanation> {
    return jobOf(this).explain(this, args);
  }

  /** Stores a value; a fetch under way will not overwrite it. Rejects when the store did not take it. */
  set(args: JobArguments<this>, value: JobValue<this>, options?: SetOptions): Promise<void> {
    return jobOf(this).set(this, args, value, options);
  }

  /** Fetches now, stores, and returns the new value. */
  refresh(...args: JobArguments<this>): Promise<JobValue<this>> {
    return jobOf(this).refresh(this, args) as Promise<JobValue<this>>;
  }

  /** Makes the value stale and requests a refresh. Readers get the old value until the new one is stored. */
  invalidate(...args: JobArguments<this>): Promise<void> {
    return jobOf(this).invalidate(this, args);
  }

  /** Removes the value, so that the next read is a miss. True when there was one. */
  delete(...args: JobArguments<this>): Promise<boolean> {
    return jobOf(this).delete(this, args);
  }

  /**
   * Makes every entry of the job stale, whatever its arguments; each is refreshed at its next read. Costs one look at
   * every key of the store, and one operation per entry.
   */
  invalidateAll(): Promise<void> {
    return jobOf(this).invalidateAll();
  }

  /** Removes every entry of the job, whatever its arguments. Costs as much as `invalidateAll`. */
  deleteAll(): Promise<void> {
    return jobOf(this).deleteAll();
  }

  /** Many values with one round trip to the store, in the order of the list; misses by `fetchMany` if there is one. */
  getMany(argsList: readonly JobArguments<this>[]): Promise<JobValue<this>[]> {
    return jobOf(this).getMany(this, argsList) as Promise<JobValue<this>[]>;
  }

  /** Fetches what is not fresh, at most `concurrency` at a time. Failures are counted, not thrown. */
  warm(argsList: readonly JobArguments<this>[], options?: WarmOptions): Promise<WarmProgress> {
    return jobOf(this).warm(this, argsList, options);
  }
}

injectRuntime(AsyncCacheJob.prototype);

const BOUND = Symbol('job');

interface Bound {
  [BOUND]?: { readonly runtime: AsyncCacheRuntime; readonly job: TargetedJob };
}

/** Remembered for each instance and application, because every read calls it. */
function jobOf(instance: AsyncCacheJob & Bound): TargetedJob {
  const runtime = runtimeOf(instance);
  if (runtime === undefined) return uncached(instance);
  const bound = instance[BOUND];
  if (bound?.runtime === runtime) return bound.job;
  const job = runtime.jobOfInstance(instance);
  Reflect.defineProperty(instance, BOUND, { value: { runtime, job }, configurable: true });
  return job;
}

const said = new WeakSet<object>();

function uncached({ constructor: cls }: AsyncCacheJob): TargetedJob {
  if (!said.has(cls)) warnWithoutModule(`${cls.name} runs uncached`);
  said.add(cls);
  return new UncachedJob(cls.name, async (target, args) => lastValueOf((target as AsyncCacheJob).fetch(...args)));
}
