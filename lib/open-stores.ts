import type { CacheManagerStoreOptions } from './cache-manager/cache-manager-store-options.js';
import { toPeriod } from './core/duration.js';
import { StoreError, StoreSuspendedError } from './core/errors.js';
import { GuardedStore } from './core/guarded-store.js';
import type { ChangeFeed, Store } from './core/ports.js';
import { MemoryStore } from './memory/memory-store.js';
import { NearStore } from './memory/near-store.js';
import type { SystemClock } from './memory/system-clock.js';
import { MsgpackrCodec } from './msgpackr/msgpackr-codec.js';
import {
  type AsyncCacheOptions,
  DEFAULT_PREFIX,
  type KeyvStores,
  type NearOptions,
  type StoreOptions,
} from './nest/async-cache-options.js';
import type { EventObserver } from './nest/event-observer.js';
import { notInstalled, undefinedIfMissing } from './nest/optional-peer.js';
import { isKeyvStores } from './nest/validate-options.js';

const DEFAULT_STORE_TIMEOUT = '500ms';
const NO_COPIES =
  'Each read asks the store, since no copy can be trusted; allow CLIENT TRACKING and SUBSCRIBE, or switch copies off with `near: false`';
const DEFAULT_NEAR = { max: 10_000, age: '30s' } as const;

/** Where entries live: opened once, closed after the last request is answered. */
export class OpenStores {
  constructor(
    readonly main: Store,
    readonly named: ReadonlyMap<string, Store>,
  ) {}

  async close(): Promise<void> {
    const stores = [this.main, ...this.named.values()];
    await Promise.allSettled(stores.map(async (store) => store.close()));
  }
}

/** Opens the stores that the options name, and loads the adapters that they need. */
export async function openStores(
  options: AsyncCacheOptions,
  clock: SystemClock,
  observer: EventObserver,
): Promise<OpenStores> {
  const open = async (home: StoreOptions): Promise<Store> => {
    const store = await openStore(home, options, clock, observer);
    const { capabilities } = store;
    // A request in the queue may come to any process, and only this one has what it is for.
    const alone = options.connection !== undefined && !capabilities.shared;
    return alone ? Object.defineProperty(store, 'capabilities', { value: { ...capabilities, alone } }) : store;
  };
  const { stores } = options;
  const named = new Map<string, Store>();
  const byName = isKeyvStores(stores) ? {} : ((stores ?? {}) as Record<string, StoreOptions>);
  const main = await open(mainStore(options));
  for (const [name, store] of Object.entries(byName)) named.set(name, await open(store));
  return new OpenStores(main, named);
}

/** The one home of entries that the options say: `validateOptions` has seen to it that there is one at most. */
function mainStore({ connection, store, stores, cache, enabled }: AsyncCacheOptions): StoreOptions {
  if (enabled === false) return {};
  if (store !== undefined) return store;
  if (cache !== undefined) return { cache };
  if (isKeyvStores(stores)) return { stores: stores as KeyvStores };
  return connection === undefined ? {} : { connection };
}

async function openStore(
  home: StoreOptions,
  options: AsyncCacheOptions,
  clock: SystemClock,
  observer: EventObserver,
): Promise<Store> {
  const { prefix = DEFAULT_PREFIX, near, serializer: codec = new MsgpackrCodec() } = options;
  const timeout = toPeriod(options.storeTimeout ?? DEFAULT_STORE_TIMEOUT, 'storeTimeout', 'forRoot');
  const onCorrupt = (key: string, error: unknown): void => {
    observer.observe({ type: 'store-failed', job: '', key, operation: 'read', error });
  };
  if (home.connection !== undefined) {
    const redis = await import('./redis/index.js').catch(undefinedIfMissing);
    if (redis === undefined) throw notInstalled('connection', 'bullmq @nestjs/bullmq ioredis');
    const client = redis.connectRedis(home.connection, () => undefined);
    const store = new redis.RedisStore({ client, prefix, codec, clock, onCorrupt });
    const guarded = new GuardedStore(store, timeout, clock);
    if (near === false) return guarded;
    const onRefusal = (cause: unknown): void => {
      const error = new StoreError('telling of changes', { cause }, undefined, NO_COPIES);
      observer.observe({ type: 'store-failed', job: '', key: '', operation: 'changes', error });
    };
    return nearStore(guarded, near, store.changeFeed(clock, onRefusal), clock, observer);
  }
  if (home.stores !== undefined || home.cache !== undefined) {
    const adapter = await import('./cache-manager/index.js').catch(undefinedIfMissing);
    if (adapter === undefined) throw notInstalled('stores', 'cache-manager keyv');
    const store = new adapter.CacheManagerStore({
      ...(home as CacheManagerStoreOptions),
      prefix,
      codec,
      clock,
      onCorrupt,
    });
    // One that is down now is no reason not to start; one that silently stores nothing is.
    const checked = await store.check();
    if (checked.kind === 'unreachable') {
      const { error } = checked;
      observer.observe({ type: 'store-failed', job: '', key: '', operation: 'check', error });
    }
    const guarded = new GuardedStore(store, timeout, clock);
    // Without being asked, no process is to miss what another one changed.
    return near ? nearStore(guarded, near, undefined, clock, observer) : guarded;
  }
  return new MemoryStore({ clock, ...(home.max === undefined ? {} : { max: home.max }) });
}

function nearStore(
  store: GuardedStore,
  { max = DEFAULT_NEAR.max, age = DEFAULT_NEAR.age }: NearOptions = {},
  feed: ChangeFeed | undefined,
  clock: SystemClock,
  observer: EventObserver,
): NearStore {
  const onFailure = (operation: string, key: string, error: unknown): void => {
    if (error instanceof StoreSuspendedError) return;
    observer.observe({ type: 'store-failed', job: '', key, operation, error });
  };
  const onRestored = (): void => {
    store.resume();
  };
  return new NearStore({ store, feed, clock, max, age: toPeriod(age, 'near.age', 'forRoot'), onFailure, onRestored });
}
