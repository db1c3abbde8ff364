import { isObservable, lastValueFrom } from 'rxjs';

/**
 * The value of a method's result: the last value of an Observable, undefined if it is empty, else what the Promise
 * resolves to.
 */
export function lastValueOf(result: unknown): Promise<unknown> {
  if (result instanceof Promise) return result;
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : Promise.resolve(result);
}
