import { isObservable, lastValueFrom } from 'rxjs';

/** What a method's result comes to: of an Observable the last value, undefined of an empty one. */
export async function lastValueOf(result: unknown): Promise<unknown> {
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
}
