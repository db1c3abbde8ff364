import type {
  Peeked,
  Reading,
  SetOptions,
  TargetedJob,
  WarmOptions,
  WarmProgress,
} from '../core/job.js';
import { UncachedJob } from '../core/uncached-job.js';
import type { AsyncCacheRuntime } from './async-cache-runtime.js';
import { lastValueOf } from './last-value.js';
import { injectRuntime, runtimeOf } from './runtime-of.js';
import { warnUncached } from './warn-uncached.js';

/** The arguments of a job class: those of its `fetch`. */
export type JobArguments<Self extends AsyncCacheJob> = Parameters<Self['fetch']>;
/** The value of a job class: what its `fetch` resolves to. */
export type JobValue<Self extends AsyncCacheJob> = Awaited<ReturnType<Self['fetch']>>;

/**
 * A cached read as a provider: extend it, set `ttl` and what else you like of `JobOptions` as attributes or methods, and
 * override `fetch`. The constructor is for dependency injection only. Inject it and call `get`.
 *
 * Inside of the class itself, where `this` may be a subclass with another `fetch`, the compiler wants to be told:
 * `(this as UserTweets).invalidate(username)`.
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
  /** Gets a new value. Runs in the caller on a miss, else in the background, in whichever process is free. */
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

  /** Stores a value by hand; a fetch under way will not overwrite it. Rejects when the store did not take it. */
  set(args: JobArguments<this>, value: JobValue<this>, options?: SetOptions): Promise<void> {
    return jobOf(this).set(this, args, value, options);
  }

  /** Fetches now, stores, and returns the new value. */
  refresh(...args: JobArguments<this>): Promise<JobValue<this>> {
    return jobOf(this).refresh(this, args) as Promise<JobValue<this>>;
  }

  /** Makes the value stale and requests a refresh; readers get the old value until it lands. */
  invalidate(...args: JobArguments<this>): Promise<void> {
    return jobOf(this).invalidate(this, args);
  }

  /** Removes the value; the next read is a miss. True: there was one. */
  delete(...args: JobArguments<this>): Promise<boolean> {
    return jobOf(this).delete(this, args);
  }

  /** Many values with one round trip to the store, in the order of the list; misses by `fetchMany` if there is one. */
  getMany(argsList: readonly JobArguments<this>[]): Promise<JobValue<this>[]> {
    return jobOf(this).getMany(this, argsList) as Promise<JobValue<this>[]>;
  }

  /** Fills what is not fresh, at most `concurrency` at a time. Failures are counted, not thrown. */
  warm(argsList: readonly JobArguments<this>[], options?: WarmOptions): Promise<WarmProgress> {
    return jobOf(this).warm(this, argsList, options);
  }
}

injectRuntime(AsyncCacheJob.prototype);

const BOUND = Symbol('job');

interface Bound {
  [BOUND]?: { readonly runtime: AsyncCacheRuntime; readonly job: TargetedJob };
}

/** On the path of every read, so it is looked up once per instance and application. */
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
  if (!said.has(cls)) warnUncached(cls.name);
  said.add(cls);
  return new UncachedJob(cls.name, async (target, args) =>
    lastValueOf((target as AsyncCacheJob).fetch(...args)),
  );
}
