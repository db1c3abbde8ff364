import type { Observable } from 'rxjs';
import { ConfigurationError } from '../core/errors.js';
import { afterWrite, type Write, type WriteEffect } from './after-write.js';
import type { CacheableMethod } from './async-cache.js';
import type { AsyncCacheJob, JobArguments } from './async-cache-job.js';
import type { AsyncCacheRuntime, BoundJob } from './async-cache-runtime.js';
import type { Class } from './decorated-method.js';

/** A class, or a function that returns it where two files import each other. */
export type ClassReference<Instance> = AbstractClass<Instance> | (() => AbstractClass<Instance>);

type AbstractClass<Instance> = abstract new (...args: never[]) => Instance;

/** What `@Invalidates` does with the entries. */
export interface InvalidatesOptions {
  /** True: remove the entry, so that the next read fetches. *Default:* false: readers get the old value as stale. */
  delete?: boolean;
}

/**
 * Accepts a method that returns a Promise or an Observable, if its arguments and its result are those that the
 * decorator's function takes.
 */
export type WriteDecorator<Args extends readonly unknown[], Result> = <
  Method extends (...args: never[]) => Promise<unknown> | Observable<unknown>,
>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> & WriteIsOf<Method, Args, Result>,
) => void;

/** `unknown`, which any method satisfies, when the function can take what the method is called with and returns. */
type WriteIsOf<Method extends (...args: never[]) => unknown, Args extends readonly unknown[], Result> = [
  Parameters<Method>,
  ResultOf<ReturnType<Method>>,
] extends [readonly [...Args, ...unknown[]], Result]
  ? unknown
  : 'the function of the decorator takes other arguments or another result than the method has';

type ResultOf<Returned> = Returned extends Promise<infer Value> | Observable<infer Value> ? Value : never;

type ArgumentsOf<Method> = Method extends (...args: infer Args) => unknown ? Readonly<Args> : never;

/**
 * After each successful call of the method, and before the caller gets its result, an entry of another read is
 * invalidated: of a decorated method (`@Invalidates(PriceService, 'price', ({ args: [id] }) => [id])`) or of a job class
 * (`@Invalidates(UserTweets, ({ result }) => [result.username])`). The function returns the arguments of that read;
 * without it, all entries of the read are invalidated, which costs what `invalidateAll` costs.
 *
 * A call that fails invalidates nothing. A store that does not answer is reported and does not fail the call, since the
 * write has happened. Of an Observable, the last value is passed on after the invalidation. Without `AsyncCacheModule` it
 * does nothing, and says so once. Throws a `ConfigurationError` on anything but a method; at start-up, for a method that
 * is not decorated with `@AsyncCached`.
 *
 * TypeScript decides the types of a decorator's function before it sees the method below it: say them,
 * `({ args: [id] }: Write<[id: number], Price>) => [id]`, and the compiler checks them against the method.
 */
export function Invalidates<
  Owner extends object,
  Method extends CacheableMethod<Owner>,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what an unannotated parameter is: see above
  Args extends readonly unknown[] = readonly any[],
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  Result = any,
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- it has a list inferred as a tuple
  const Read extends ArgumentsOf<Owner[Method]> = ArgumentsOf<Owner[Method]>,
>(
  owner: ClassReference<Owner>,
  method: Method,
  select: (write: Write<Args, Result>) => Read,
  options?: InvalidatesOptions,
): WriteDecorator<Args, Result>;
export function Invalidates<Owner extends object>(
  owner: ClassReference<Owner>,
  method: CacheableMethod<Owner>,
  options?: InvalidatesOptions,
): WriteDecorator<readonly unknown[], unknown>;
export function Invalidates<
  Owner extends AsyncCacheJob,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  Args extends readonly unknown[] = readonly any[],
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  Result = any,
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- it has a list inferred as a tuple
  const Read extends Readonly<JobArguments<Owner>> = Readonly<JobArguments<Owner>>,
>(
  job: ClassReference<Owner>,
  select: (write: Write<Args, Result>) => Read,
  options?: InvalidatesOptions,
): WriteDecorator<Args, Result>;
export function Invalidates<Owner extends AsyncCacheJob>(
  job: ClassReference<Owner>,
  options?: InvalidatesOptions,
): WriteDecorator<readonly unknown[], unknown>;
export function Invalidates(
  reference: ClassReference<object>,
  ...given: (PropertyKey | Select | InvalidatesOptions | undefined)[]
): WriteDecorator<readonly unknown[], unknown> {
  const method = given.find((each) => typeof each === 'string' || typeof each === 'symbol');
  const select = given.find((each) => typeof each === 'function');
  const options = given.find((each) => typeof each === 'object');
  const effect = new InvalidateRead(reference, method, select, options?.delete === true);
  return (target, propertyKey, descriptor) => afterWrite('Invalidates', target, propertyKey, descriptor, effect);
}

type Select = (write: Write<never, never>) => readonly unknown[];

class InvalidateRead implements WriteEffect {
  constructor(
    private readonly reference: ClassReference<object>,
    private readonly method: string | symbol | undefined,
    private readonly select: Select | undefined,
    private readonly removes: boolean,
  ) {}

  check(runtime: AsyncCacheRuntime, writer: string): void {
    const cls = this.#class(writer);
    if (this.method !== undefined) runtime.jobOfClass(cls, this.method);
  }

  async run(runtime: AsyncCacheRuntime, write: Write<readonly unknown[], unknown>, writer: string): Promise<void> {
    let name = '';
    try {
      const { job, resolve } = await this.#job(runtime, writer);
      name = job.name;
      if (this.select === undefined) {
        await (this.removes ? job.deleteAll() : job.invalidateAll());
        return;
      }
      const args = this.select(write as Write<never, never>);
      const target = await resolve();
      await (this.removes ? job.delete(target, args) : job.invalidate(target, args));
    } catch (error) {
      runtime.observer.observe({ type: 'invalidation-failed', job: name, key: '', writer, error });
    }
  }

  #job(runtime: AsyncCacheRuntime, writer: string): BoundJob | Promise<BoundJob> {
    const cls = this.#class(writer);
    return this.method === undefined ? runtime.jobOfJobClass(cls) : runtime.jobOfClass(cls, this.method);
  }

  /** An arrow function has no prototype, and a class always has one. */
  #class(writer: string): Class {
    const { reference } = this;
    const cls: unknown = 'prototype' in reference ? reference : (reference as () => unknown)();
    if (typeof cls === 'function' && typeof cls.prototype === 'object') return cls;
    throw new ConfigurationError(
      `@Invalidates of ${writer} names ${String(cls)}, which is not a class`,
      'Name the class, or where two files import each other a function that returns it: () => PriceService',
    );
  }
}
