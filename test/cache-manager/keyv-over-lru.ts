import { Keyv } from 'keyv';
import type { LRUCache } from 'lru-cache';

/** The wrapper that an LRUCache needs: Keyv hands a number to `set` where it takes options. */
export function keyvOverLru(lru: LRUCache<string, object>): Keyv {
  const store = {
    opts: {},
    get: async (key: string) => lru.get(key),
    set: (key: string, value: object, ttl?: number) =>
      void lru.set(key, value, ttl === undefined ? undefined : { ttl }),
    delete: async (key: string) => lru.delete(key),
    clear: async () => lru.clear(),
    on: () => store,
  };
  const keyv = new Keyv({ store });
  keyv.serialize = undefined;
  keyv.deserialize = undefined;
  return keyv;
}
