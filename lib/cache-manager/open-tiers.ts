import { Keyv, type KeyvStoreAdapter } from 'keyv';

import { ConfigurationError } from '../core/errors.js';
import { type CacheLike, CacheTier } from './cache-tier.js';
import { isKeyvLike, type KeyvLike, KeyvTier } from './keyv-tier.js';
import type { Tiers } from './tier.js';

/** The option `stores` of `@nestjs/cache-manager`: a Keyv, a store for one, or a list of these, nearest first. */
export type CacheStores = CacheStore | readonly CacheStore[];

type CacheStore = Keyv | KeyvStoreAdapter | KeyvLike;

/** The tiers of an existing cache; without one, tiers over the given stores. */
export function openTiers(cache: CacheLike | undefined, stores: CacheStores): Tiers {
  return cache === undefined ? tiersOverStores(stores) : tiersOfCache(cache);
}

function tiersOfCache(cache: CacheLike): Tiers {
  const stores: unknown = 'stores' in cache ? cache.stores : undefined;
  if (Array.isArray(stores) && stores.every(isKeyvLike)) {
    const [...tiers] = stores.map((store) => new KeyvTier(store));
    const last = tiers.pop();
    if (last !== undefined) return [...tiers, last];
  }
  for (const method of ['get', 'set', 'del'] as const) {
    if (typeof cache[method] === 'function') continue;
    throw new ConfigurationError(
      `The cache has no method ${method}`,
      'Give a Cache of cache-manager 7: what createCache() returns or CACHE_MANAGER injects',
    );
  }
  return [new CacheTier(cache)];
}

/** Without any store this is a Map in this process, as in cache-manager. */
function tiersOverStores(stores: CacheStores): Tiers {
  const all: readonly CacheStore[] = isList(stores) ? stores : [stores];
  const tiers = all.map((store, index) => new KeyvTier(isKeyvLike(store) ? store : keyvOver(store, index)));
  const last = tiers.pop();
  return [...tiers, last ?? new KeyvTier(keyvInProcess())];
}

function keyvOver(store: KeyvStoreAdapter, index: number): KeyvLike {
  try {
    // Keyv overwrites the namespace of the store with its own, so the namespace that the application gave to the store
    // is set again.
    const { namespace } = store;
    const keyv = new Keyv({ store, useKeyPrefix: false });
    keyv.namespace = namespace;
    return keyv;
  } catch (cause) {
    throw new ConfigurationError(
      `stores[${String(index)}] is not a store that Keyv can use`,
      'Give a Keyv, or a store for one: new KeyvRedis(url), for example',
      { cause },
    );
  }
}

function keyvInProcess(): KeyvLike {
  const keyv = new Keyv();
  keyv.serialize = undefined;
  keyv.deserialize = undefined;
  return keyv;
}

function isList(stores: CacheStores): stores is readonly CacheStore[] {
  return Array.isArray(stores);
}
