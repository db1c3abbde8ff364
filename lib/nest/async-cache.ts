import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { JobStats } from '../core/stats/job-stats.js';
import type { CacheEvent } from '../core/events.js';
import type { Explanation } from '../core/job/explanation.js';
import type { Job } from '../core/job/job.js';
import { AsyncCacheRuntime } from './async-cache-runtime.js';
import type { Class } from './decorated-method.js';
import { EventObserver } from './event-observer.js';
import { JobHandle } from './job-handle.js';

type Cacheable = (...args: never[]) => Promise<unknown> | Observable<unknown>;

/** Names of the methods that can be cached. */
export type CacheableMethod<Owner> = {
  [Key in keyof Owner]: Owner[Key] extends Cacheable ? Key : never;
}[keyof Owner];

/** The type of a method's job. */
export type JobOf<Method> = Method extends (...args: infer Args) => Promise<infer Value>
  ? Job<Args, Value>
  : Method extends (...args: infer Args) => Observable<infer Value>
    ? Job<Args, Value>
    : never;

type ArgumentsOf<Method> = Method extends (...args: infer Args) => unknown ? Args : never;

/** Everything about the cache that is not a read: jobs of decorated methods, tags, events, statistics. */
@Injectable()
export class AsyncCache {
  /**
   * Emits every event as it happens. Costs nothing while nobody subscribes. The same facts go to subscribers of Node's
   * `diagnostics_channel` with the name `nestjs-async-cache`.
   */
  readonly events$: Observable<CacheEvent>;

  /** @internal */
  constructor(
    private readonly runtime: AsyncCacheRuntime,
    observer: EventObserver,
  ) {
    this.events$ = observer.events$;
  }

  /**
   * The job of a decorated method: of an instance, or of a class or abstract class that is provided. If only a base
   * class decorates the method, it is the job of `super`. Throws a `ConfigurationError` when the method is not
   * decorated.
   */
  of<Owner extends object, Method extends CacheableMethod<Owner>>(
    instance: Owner,
    method: Method,
  ): JobOf<Owner[Method]>;
  of<Owner extends object, Method extends CacheableMethod<Owner>>(
    // eslint-disable-next-line @typescript-eslint/unified-signatures -- of one signature, of(app.get(Service), …) infers never
    cls: abstract new (...args: never[]) => Owner,
    method: Method,
  ): JobOf<Owner[Method]>;
  of(owner: object, method: PropertyKey): Job {
    return this.#jobOf(owner, method);
  }

  /** Why a key of a decorated method has the value it has: `of(target, method).explain(...args)`. Changes nothing. */
  explain<Owner extends object, Method extends CacheableMethod<Owner>>(
    target: Owner | (abstract new (...args: never[]) => Owner),
    method: Method,
    ...args: ArgumentsOf<Owner[Method]>
  ): Promise<Explanation> {
    return this.#jobOf(target, method).explain(...args);
  }

  /** Every job of this application. */
  jobs(): Job[] {
    return [...this.runtime.jobs()].map(({ job, resolve }) => new JobHandle(job, resolve));
  }

  /** Makes every entry with one of the tags stale. Costs one operation per such entry. */
  async invalidateTags(...tags: string[]): Promise<void> {
    await this.runtime.cache.invalidateTags(tags);
  }

  /** Removes every entry with one of the tags. Costs one operation per such entry. */
  async deleteTags(...tags: string[]): Promise<void> {
    await this.runtime.cache.deleteTags(tags);
  }

  /** Removes every entry of this application, in all its stores. */
  async clear(): Promise<void> {
    await this.runtime.cache.clear();
  }

  /**
   * Counts and times of this process since it started: in all, and by the name of the job. Costs a few microseconds for
   * each job.
   */
  stats(): JobStats & { readonly jobs: Readonly<Record<string, JobStats>> } {
    return this.runtime.cache.stats();
  }

  #jobOf(owner: object, method: PropertyKey): Job {
    const byClass = typeof owner === 'function';
    const cls = (byClass ? owner : owner.constructor) as unknown as Class;
    const { job, resolve } = this.runtime.jobOfClass(cls, method, byClass ? undefined : owner);
    return new JobHandle(job, resolve);
  }
}
