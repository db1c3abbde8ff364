import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { JobStats } from '../core/counters.js';
import { ConfigurationError } from '../core/errors.js';
import type { CacheEvent } from '../core/events.js';
import type { Job } from '../core/job.js';
import { AsyncCacheRuntime } from './async-cache-runtime.js';
import { type Class, type DecoratedMethod, decoratedMethodOf } from './decorated-method.js';
import { EventObserver } from './event-observer.js';
import { JobHandle } from './job-handle.js';
import { LiveProviders } from './live-providers.js';

type Cacheable = (...args: never[]) => Promise<unknown> | Observable<unknown>;

/** Names of the methods that can be cached. */
export type CacheableMethod<Owner> = {
  [Key in keyof Owner]: Owner[Key] extends Cacheable ? Key : never;
}[keyof Owner];

/** The job that a method is. */
export type JobOf<Method> = Method extends (...args: infer Args) => Promise<infer Value>
  ? Job<Args, Value>
  : Method extends (...args: infer Args) => Observable<infer Value>
    ? Job<Args, Value>
    : never;

/** Everything about the cache that is not a read: jobs of decorated methods, tags, events, statistics. */
@Injectable()
export class AsyncCache {
  /** What happens, as it happens. Costs nothing while nobody subscribes. */
  readonly events$: Observable<CacheEvent>;

  constructor(
    private readonly runtime: AsyncCacheRuntime,
    private readonly providers: LiveProviders,
    observer: EventObserver,
  ) {
    this.events$ = observer.events$;
  }

  /**
   * The job of a decorated method, of an instance, or of a class or abstract class that is provided. Of a method that is
   * decorated in a base class only, it is the job of `super`. Throws a `ConfigurationError` when it is not decorated.
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
    const byClass = typeof owner === 'function';
    const cls = (byClass ? owner : owner.constructor) as unknown as Class;
    const found = this.#decorated(cls, method) ?? this.#decorated(this.providers.find(cls)?.cls, method);
    if (found === undefined) {
      throw new ConfigurationError(
        `${cls.name}.${String(method)} is not decorated`,
        'Put @AsyncCached on it, or name a method that has it',
      );
    }
    const job = this.runtime.defineMethod(found.cls, found.method, byClass ? undefined : owner);
    const target = byClass ? () => this.providers.resolve(found.cls, job.name) : () => owner;
    return new JobHandle(job, target);
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

  /** What this process has counted since it started: in all, and by the name of the job. */
  stats(): JobStats & { readonly jobs: Readonly<Record<string, JobStats>> } {
    return this.runtime.cache.stats();
  }

  #decorated(
    cls: Class | undefined,
    method: PropertyKey,
  ): { cls: Class; method: DecoratedMethod } | undefined {
    const key = typeof method === 'number' ? String(method) : method;
    const decorated = cls && decoratedMethodOf(cls, key);
    return decorated && { cls, method: decorated };
  }
}
