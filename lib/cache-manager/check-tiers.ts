import { randomUUID } from 'node:crypto';

import { ConfigurationError, StoreError, StoreTimeoutError } from '../core/errors.js';
import type { Clock } from '../core/ports.js';
import type { Tier } from './tier.js';

/** Milliseconds. Long enough to read the probe back, short enough that a probe left behind disappears. */
const PROBE_LIFE = 60_000;

/** Whether the stores answered the probe of `CacheManagerStore.check`. */
export type CacheCheck = { readonly kind: 'works' } | { readonly kind: 'unreachable'; readonly error: StoreError };

/**
 * Rejects with a `ConfigurationError` when a store gives a wrong answer. A store that does not answer is `unreachable`.
 */
export async function checkTiers(
  tiers: readonly Tier[],
  name: string,
  clock: Clock,
  timeoutMs: number,
): Promise<CacheCheck> {
  const failures = await Promise.all(tiers.map((tier) => failureOf(tier, name, clock, timeoutMs)));
  const mistake = failures.find((failure) => failure instanceof ConfigurationError);
  if (mistake !== undefined) throw mistake;
  const error = failures.find((failure) => failure instanceof StoreError);
  return error === undefined ? { kind: 'works' } : { kind: 'unreachable', error };
}

async function failureOf(
  tier: Tier,
  name: string,
  clock: Clock,
  timeoutMs: number,
): Promise<ConfigurationError | StoreError | undefined> {
  let cancel = (): void => undefined;
  const timeout = new Promise<never>((_, reject) => {
    cancel = clock.schedule(timeoutMs, () => {
      reject(new StoreTimeoutError('check', timeoutMs));
    });
  });
  try {
    await Promise.race([probe(tier, name), timeout]);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigurationError || error instanceof StoreError) return error;
    return new StoreError('check', { cause: error });
  } finally {
    cancel();
  }
}

/**
 * Writes a probe, reads it back and removes it. Throws a `ConfigurationError` when the store gives a wrong answer,
 * since it would do so for ever. Rejects with a `StoreError` when the store cannot be reached, since that may pass.
 */
async function probe(tier: Tier, name: string): Promise<void> {
  // A name of its own, because several processes may start at once.
  const own = `${name}:${randomUUID()}`;
  const text = `probe/1 "\\:base64:\n${randomUUID()}`;
  try {
    await tier.writeMany([{ name: own, text, ttl: PROBE_LIFE }]);
  } catch (error) {
    if (error instanceof StoreError && isMistake(error.cause)) throw wrong('it cannot store anything', error.cause);
    throw error;
  }
  const [found] = await tier.readMany([own]);
  if (found === undefined) throw wrong('it stores nothing and reports no error');
  if (found !== text) throw wrong('it returns something other than what was stored', found);
  await tier.removeMany([own]);
  const [left] = await tier.readMany([own]);
  if (left !== undefined) throw wrong('it does not delete');
}

/** Whether the error comes from how the store was put together, and not from a server. */
function isMistake(cause: unknown): boolean {
  return cause instanceof TypeError || cause instanceof RangeError || cause instanceof ReferenceError;
}

function wrong(what: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(
    `A store of the cache does not work: ${what}`,
    'Use keyv 5.6 with an adapter made for it; an LRUCache, for one, needs a wrapper { get, set, delete, clear } whose set takes (key, value, ttl)',
    cause === undefined ? {} : { cause },
  );
}
