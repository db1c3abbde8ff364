import { isObservable, lastValueFrom } from 'rxjs';

/**
 * The value of a method's result: the last value of an Observable, undefined if it is empty, else what the Promise
 * resolves to.
 */
export async function lastValueOf(result: unknown): Promise<unknown> {
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
}
