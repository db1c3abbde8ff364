import { defer, isObservable, Observable } from 'rxjs';
import { runUncached } from '../core/fill/fetch-context.js';
import type { Duration } from '../core/policy/duration.js';
import { ConfigurationError } from '../core/errors.js';
import type { JobOptions } from '../core/policy/job-options.js';
import { type Class, type DecoratedMethod, isDecorated, jobNameOf, markDecorated } from './decorated-method.js';
import { lastValueOf } from './last-value.js';
import { observableLike } from './observable-like.js';
import type { AnyOptions, NothingBut, OptionsAreFor } from './options-for-method.js';
import { methodNameOf, replaceMethod } from './replace-method.js';
import { injectRuntime, runtimeOf } from './runtime-of.js';
import { warnWithoutModule } from './warn-without-module.js';

/** Accepts a method that returns a Promise or an Observable, if the options fit it. */
export type AsyncCachedDecorator<Options = JobOptions> = <
  Method extends (...args: never[]) => Promise<unknown> | Observable<unknown>,
>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> & OptionsAreFor<Method, Options>,
) => void;

/**
 * Makes reads of the method come from the cache. A value older than `ttl` (a number is **seconds**) is still returned
 * at once, and one background refresh gets a new one. Works on methods of providers, controllers and resolvers of every
 * scope. Of an Observable the last value is cached.
 *
 * Without `AsyncCacheModule` the method runs uncached. Throws a `ConfigurationError` on anything but a method.
 */
// One overload for each number of arguments: the compiler then says what is wrong at the option that is wrong.
export function AsyncCached<const Options extends AnyOptions = JobOptions>(
  ttlOrOptions?: Duration | NothingBut<keyof JobOptions, Options>,
): AsyncCachedDecorator<Options>;
export function AsyncCached<const Options extends Omit<AnyOptions, 'ttl'>>(
  ttl: Duration,
  options: NothingBut<Exclude<keyof JobOptions, 'ttl'>, Options>,
): AsyncCachedDecorator<Options>;
export function AsyncCached(
  ttlOrOptions: Duration | JobOptions = {},
  furtherOptions: JobOptions = {},
): AsyncCachedDecorator {
  const options = typeof ttlOrOptions === 'object' ? ttlOrOptions : { ...furtherOptions, ttl: ttlOrOptions };
  return (target, propertyKey, descriptor: PropertyDescriptor | undefined) => {
    if (isDecorated(target, propertyKey)) {
      throw new ConfigurationError(
        `@AsyncCached stands twice on ${methodNameOf(target, propertyKey)}`,
        'Put it there once',
      );
    }
    replaceMethod<Original>('AsyncCached', target, propertyKey, descriptor, (original) =>
      decorate(target, propertyKey, options, original),
    );
    injectRuntime(target);
  };
}

const NO_ARGUMENTS: readonly unknown[] = Object.freeze([]);

type Original = (this: object, ...args: unknown[]) => unknown;

function decorate(owner: object, propertyKey: string | symbol, options: JobOptions, original: Original): Original {
  let said = false;
  // Whether the method returns an Observable is read from its declaration where the compiler wrote the type. Otherwise
  // the first fetch in this process shows it.
  let returns = declaredReturn(owner, propertyKey, original);

  const method: DecoratedMethod = {
    owner,
    propertyKey,
    options,
    parameterClasses: parameterClassesOf(owner, propertyKey),
    fetch: (target, args) => {
      const result = original.apply(target, [...args]);
      returns ??= isObservable(result) ? 'observable' : 'promise';
      return lastValueOf(result);
    },
  };
  markDecorated(method);

  // GraphQL passes its context and the query even to a resolver without parameters. They must not become part of the
  // key.
  const takesNothing =
    isEmptyList(Reflect.getMetadata('design:paramtypes', owner, propertyKey)) && original.length === 0;

  return function wrapper(this: object | undefined, ...given: unknown[]): unknown {
    const args = takesNothing ? NO_ARGUMENTS : given;
    if (this === undefined) throw calledWithoutThis(owner, propertyKey);
    const runtime = runtimeOf(this);
    if (runtime === undefined) {
      if (!said) warnWithoutModule(`${jobNameOf(method, this.constructor)} runs uncached`);
      said = true;
      return uncached(() => original.apply(this, given));
    }
    const job = runtime.jobOfMethod(this, method);
    if (returns === 'promise') return job.get(this, args);
    if (returns === 'observable') return defer(() => job.get(this, args));
    return observableLike(() => job.get(this, args));
  };
}

/** Only classes of the application: built-in ones need no help to travel, and `Object` says nothing. */
function parameterClassesOf(owner: object, propertyKey: string | symbol): Class[] {
  const declared: unknown = Reflect.getMetadata('design:paramtypes', owner, propertyKey);
  if (!Array.isArray(declared)) return [];
  return declared.filter(
    (type): type is Class =>
      typeof type === 'function' && !Function.prototype.toString.call(type).includes('[native code]'),
  );
}

function isEmptyList(list: unknown): boolean {
  return Array.isArray(list) && list.length === 0;
}

function calledWithoutThis(owner: object, propertyKey: string | symbol): ConfigurationError {
  return new ConfigurationError(
    `${methodNameOf(owner, propertyKey)} was called without its instance`,
    `Call it on the instance, (id) => service.${String(propertyKey)}(id), or bind it: a bare reference to a method has no \`this\``,
  );
}

/** An Observable runs when it is subscribed to, so that is when it needs its context. */
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
