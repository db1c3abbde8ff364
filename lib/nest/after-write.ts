import { isObservable, Observable } from 'rxjs';
import type { AsyncCacheRuntime } from './async-cache-runtime.js';
import { observableLike } from './observable-like.js';
import { methodNameOf, replaceMethod } from './replace-method.js';
import { injectRuntime, runtimeOf } from './runtime-of.js';
import { warnWithoutModule } from './warn-without-module.js';

/** A successful call of a method that writes. */
export interface Write<Args extends readonly unknown[], Result> {
  /** The arguments of the call. */
  readonly args: Args;
  /** The value to which the Promise resolved, or the last value of the Observable. */
  readonly result: Result;
}

/** What happens after each successful call. `method` is the name of the writing method, for reports. */
export interface WriteEffect {
  run(runtime: AsyncCacheRuntime, write: Write<readonly unknown[], unknown>, method: string): Promise<void>;
  /** Called once at start-up. Throws a {@link ConfigurationError} for an effect that can never work. */
  check(runtime: AsyncCacheRuntime, method: string): void;
}

type Original = (this: object | undefined, ...args: unknown[]) => unknown;

const EFFECTS = Symbol.for('nestjs-async-cache write effects');

interface MarkedEffect {
  readonly method: string;
  readonly effect: WriteEffect;
}

/** Runs `effect` after each successful call of a method and before the caller gets the result. */
export function afterWrite(
  decorator: string,
  target: object,
  propertyKey: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  effect: WriteEffect,
): void {
  const method = methodNameOf(target, propertyKey);
  replaceMethod<Original>(decorator, target, propertyKey, descriptor, (original) =>
    withEffect(decorator, method, original, effect),
  );
  Reflect.defineMetadata(EFFECTS, [...effectsOf(target), { method, effect }], target);
  injectRuntime(target);
}

/** The effects of the methods of a class, including inherited methods. */
export function effectsOf(prototype: object): readonly MarkedEffect[] {
  return (Reflect.getMetadata(EFFECTS, prototype) as readonly MarkedEffect[] | undefined) ?? [];
}

function withEffect(decorator: string, method: string, original: Original, effect: WriteEffect): Original {
  let said = false;
  return function wrapper(this: object | undefined, ...args: unknown[]): unknown {
    const result = original.apply(this, args);
    const runtime = this && runtimeOf(this);
    if (runtime === undefined) {
      if (!said) warnWithoutModule(`@${decorator} of ${method} does nothing`);
      said = true;
      return result;
    }
    const written = (value: unknown): Promise<void> => effect.run(runtime, { args, result: value }, method);
    const thenable = isThenable(result);
    if (!isObservable(result)) return thenable ? resolved(result, written) : result;
    // A decorated method whose kind of result is not known yet returns an Observable that can be awaited.
    return thenable ? observableLike(() => resolved(result, written)) : completed(result, written);
  };
}

async function resolved(promise: PromiseLike<unknown>, written: (value: unknown) => Promise<void>): Promise<unknown> {
  const value = await promise;
  await written(value);
  return value;
}

/**
 * Passes each value on when the next one comes, and the last one after the effect. A caller that takes the first value
 * and unsubscribes, as `firstValueFrom` does, thus does not end a write with one result before its effect.
 */
function completed(source: Observable<unknown>, written: (value: unknown) => Promise<void>): Observable<unknown> {
  return new Observable((subscriber) => {
    let held: { readonly value: unknown } | undefined;
    const finish = async (): Promise<void> => {
      await written(held?.value);
      if (held !== undefined) subscriber.next(held.value);
      subscriber.complete();
    };
    return source.subscribe({
      next: (value) => {
        if (held !== undefined) subscriber.next(held.value);
        held = { value };
      },
      error: (error: unknown) => {
        if (held !== undefined) subscriber.next(held.value);
        subscriber.error(error);
      },
      complete: () => void finish(),
    });
  });
}

function isThenable(result: unknown): result is PromiseLike<unknown> {
  return typeof result === 'object' && result !== null && 'then' in result && typeof result.then === 'function';
}
