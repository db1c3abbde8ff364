import { randomUUID } from 'node:crypto';

import { ConfigurationError, StoreError } from '../core/errors.js';
import type { Tier } from './tier.js';

/** Long enough to be read back, short enough to leave nothing behind. */
const PROBE_LIFE = 60_000;

/**
 * Writes, reads back and removes a probe. Throws a `ConfigurationError` when the store answers something wrong, which
 * it would do for ever; rejects with a `StoreError` when it cannot be reached, which may pass.
 */
export async function probeTier(tier: Tier, name: string): Promise<void> {
  // Several processes may start at once.
  const own = `${name}:${randomUUID()}`;
  const text = `probe/1 "\\:base64:\n${randomUUID()}`;
  try {
    await tier.writeMany([{ name: own, text, ttl: PROBE_LIFE }]);
  } catch (error) {
    if (error instanceof StoreError && isMistake(error.cause)) throw wrong('it cannot store anything', error.cause);
    throw error;
  }
  const [found] = await tier.readMany([own]);
  if (found === undefined) throw wrong('it stores nothing, and says nothing about it');
  if (found !== text) throw wrong('it gives back something else than what was stored', found);
  await tier.removeMany([own]);
  const [left] = await tier.readMany([own]);
  if (left !== undefined) throw wrong('it does not delete');
}

/** An error of whoever put the store together, not of a server. */
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
