import { defer, firstValueFrom, type Observable } from 'rxjs';

/**
 * What a method returns whose kind is not known yet: an Observable that can also be awaited. It is only needed where
 * the compiler wrote no return type down and the method has not been fetched in this process.
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
