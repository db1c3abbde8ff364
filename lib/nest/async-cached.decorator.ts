import { defer, isObservable, Observable } from 'rxjs';
import { runUncached } from '../core/context.js';
import type { Duration } from '../core/duration.js';
import { ConfigurationError } from '../core/errors.js';
import type { JobOptions } from '../core/job-options.js';
import {
  type DecoratedMethod,
  isDecorated,
  jobNameOf,
  markDecorated,
} from './decorated-method.js';
import { lastValueOf } from './last-value.js';
import { observableLike } from './observable-like.js';
import type { NothingBut, OptionsAreFor, TypedOptions } from './options-for-method.js';
import { injectRuntime, runtimeOf } from './runtime-of.js';
import { warnUncached } from './warn-uncached.js';

/** What may be decorated: a method that returns a Promise or an Observable, and that the options are for. */
export type AsyncCachedDecorator<Options = JobOptions> = <
  Method extends (...args: never[]) => Promise<unknown> | Observable<unknown>,
>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> & OptionsAreFor<Method, Options>,
) => void;

/**
 * Reads of the method come from the cache; a value older than `ttl` (a number is **seconds**) is still returned at
 * once, and one background refresh gets a new one. Works on methods of providers, controllers and resolvers of every
 * scope. Of an Observable the last value is cached.
 *
 * Without `AsyncCacheModule` the method runs uncached. Throws a `ConfigurationError` on anything but a method.
 */
// The first of each pair gives parameters without a type the type unknown; the second takes those that have one.
export function AsyncCached<const Options extends JobOptions>(
  options?: NothingBut<keyof JobOptions, Options>,
): AsyncCachedDecorator<Options>;
export function AsyncCached<const Options extends TypedOptions>(
  options: NothingBut<keyof JobOptions, Options>,
): AsyncCachedDecorator<Options>;
export function AsyncCached<const Options extends Omit<JobOptions, 'ttl'>>(
  ttl: Duration,
  options?: NothingBut<Exclude<keyof JobOptions, 'ttl'>, Options>,
): AsyncCachedDecorator<Options>;
export function AsyncCached<const Options extends Omit<TypedOptions, 'ttl'>>(
  ttl: Duration,
  options: NothingBut<Exclude<keyof JobOptions, 'ttl'>, Options>,
): AsyncCachedDecorator<Options>;
export function AsyncCached(
  ttlOrOptions: Duration | JobOptions = {},
  furtherOptions: JobOptions = {},
): AsyncCachedDecorator {
  const options =
    typeof ttlOrOptions === 'object' ? ttlOrOptions : { ...furtherOptions, ttl: ttlOrOptions };
  return (target, propertyKey, descriptor: PropertyDescriptor | undefined) => {
    const original: unknown = descriptor?.value;
    if (descriptor === undefined || typeof original !== 'function' || typeof target === 'function') {
      throw new ConfigurationError(
        `@AsyncCached stands on ${nameOf(target)}.${String(propertyKey)}, which is no method of an instance`,
        'Put it on a method that returns a Promise or an Observable, and compile with experimentalDecorators as Nest does',
      );
    }
    if (isDecorated(target, propertyKey)) {
      throw new ConfigurationError(
        `@AsyncCached stands twice on ${nameOf(target)}.${String(propertyKey)}`,
        'Put it there once',
      );
    }
    descriptor.value = decorate(target, propertyKey, options, original as Original);
    injectRuntime(target);
  };
}

type Original = (this: object, ...args: unknown[]) => unknown;

function decorate(
  owner: object,
  propertyKey: string | symbol,
  options: JobOptions,
  original: Original,
): Original {
  let said = false;
  // Rather than by the first call that happens to fetch, what the method returns is known from its declaration where
  // the compiler wrote that down; else from its first fetch in this process.
  let returns = declaredReturn(owner, propertyKey, original);

  const method: DecoratedMethod = {
    owner,
    propertyKey,
    options,
    fetch: async (target, args) => {
      const result = original.apply(target, [...args]);
      returns ??= isObservable(result) ? 'observable' : 'promise';
      return lastValueOf(result);
    },
  };
  markDecorated(method);

  function wrapper(this: object, ...args: unknown[]): unknown {
    const runtime = runtimeOf(this);
    if (runtime === undefined) {
      if (!said) warnUncached(jobNameOf(method, this.constructor));
      said = true;
      return uncached(() => original.apply(this, args));
    }
    const job = runtime.jobOfMethod(this, method);
    if (returns === 'promise') return job.get(this, args);
    if (returns === 'observable') return defer(() => job.get(this, args));
    return observableLike(() => job.get(this, args));
  }
  for (const key of Reflect.getMetadataKeys(original)) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), wrapper);
  }
  for (const property of ['name', 'length'] as const) {
    Object.defineProperty(wrapper, property, { value: original[property], configurable: true });
  }
  return wrapper;
}

/** An Observable asks for its context when it is subscribed to. */
function uncached(call: () => unknown): unknown {
  const result = runUncached(call);
  if (!isObservable(result)) return result;
  return new Observable((subscriber) => runUncached(() => result.subscribe(subscriber)));
}

function declaredReturn(
  owner: object,
  propertyKey: string | symbol,
  original: Original,
): 'promise' | 'observable' | undefined {
  const type: unknown = Reflect.getMetadata('design:returntype', owner, propertyKey);
  if (type === Observable) return 'observable';
  const isAsync = original.constructor.name === 'AsyncFunction';
  return type === Promise || isAsync ? 'promise' : undefined;
}

function nameOf(target: object): string {
  return typeof target === 'function' ? target.name : target.constructor.name;
}
