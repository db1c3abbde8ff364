import type { Acquisition, Awaitable } from '../ports.js';
import type { Read } from './serve.js';

/**
 * Asks the store for the lease of a key. Concurrent misses of one key share one claim; the fetch is joined by the lease's
 * token. Readers with a stale value respect the backoff and readers without one do not, so the two must not share a
 * claim. Undefined when the store did not answer, which has been reported once for all readers. Synchronous when the
 * store is.
 */
export function claim(
  { job, key }: Read<unknown>,
  generation: string,
  respectBackoff: boolean,
): Awaitable<Acquisition | undefined> {
  const isFirst = generation === '' && !respectBackoff;
  const claims = isFirst ? job.firstClaims : job.claims;
  const id = isFirst ? key : `${respectBackoff ? 'unless backing off' : 'at once'} ${generation} ${key}`;
  const joined = claims.get(id);
  if (joined !== undefined) return joined;
  const claimed = job.acquire(key, { generation, respectBackoff, takeOver: false });
  return claimed instanceof Promise ? claims.run(id, () => claimed) : claimed;
}
