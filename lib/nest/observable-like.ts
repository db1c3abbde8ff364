import { defer, firstValueFrom, type Observable } from 'rxjs';

/**
 * The result of a method whose kind of result is not known yet: an Observable that can also be awaited. Needed only
 * when the compiler wrote no return type and the method has not been fetched in this process.
 */
export function observableLike<Value>(read: () => Promise<Value>): Observable<Value> & Promise<Value> {
  let reading: Promise<Value> | undefined;
  const once = (): Promise<Value> => (reading ??= firstValueFrom(observable));
  const observable = defer(read);
  const promise: Pick<Promise<Value>, 'then' | 'catch' | 'finally'> & { [Symbol.toStringTag]: string } = {
    then: (onValue, onError) => once().then(onValue, onError),
    catch: (onError) => once().catch(onError),
    finally: (onEnd) => once().finally(onEnd),
    [Symbol.toStringTag]: 'Promise',
  };
  return Object.assign(observable, promise);
}
