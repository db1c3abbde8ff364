import { CacheManagerStore, type CacheManagerStoreOptions } from '../../lib/cache-manager/index.js';
import { SystemClock } from '../../lib/memory/system-clock.js';
import { MsgpackrCodec } from '../../lib/msgpackr/index.js';
import { StoreUser } from '../../lib/testing/store-user.js';

/** A store in real time under the prefix `app`, and a user of it. */
export function storeOver(options: Partial<CacheManagerStoreOptions>): { store: CacheManagerStore; user: StoreUser } {
  const store = new CacheManagerStore({
    clock: new SystemClock(),
    codec: new MsgpackrCodec(),
    prefix: 'app',
    ...options,
  });
  const user = new StoreUser({
    store,
    advance: () => Promise.reject(new Error('Real time does not obey')),
    close: () => store.close(),
  });
  return { store, user };
}
