import type { CacheManagerStoreOptions } from './cache-manager/cache-manager-store-options.js';
import { toBytes } from './core/policy/byte-size.js';
import { toPeriod } from './core/policy/duration.js';
import { StoreError, StoreSuspendedError } from './core/errors.js';
import { GuardedStore, type StoreOutageOptions } from './core/store/guarded-store.js';
import type { ChangeFeed, Codec, Store } from './core/ports.js';
import type { ValueTypeRegistry } from './core/value/value-type-registry.js';
import type { ValueTypes } from './core/value/value-types.js';
import { MemoryStore } from './memory/memory-store.js';
import { NearStore } from './near/near-store.js';
import type { SystemClock } from './memory/system-clock.js';
import { CompressingCodec } from './msgpackr/compressing-codec.js';
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
  'Until it does, each read asks the store, since no copy can be trusted: allow CLIENT TRACKING and SUBSCRIBE, or switch copies off with `near: false`';
const DEFAULT_NEAR = { max: 10_000, age: '30s' } as const;

/** The stores of one application: opened at start-up, closed after the last request has been answered. */
export class OpenStores {
  constructor(
    readonly main: Store,
    /** The named ones of the option `stores`, for jobs with the option `store`. */
    readonly named: ReadonlyMap<string, Store>,
  ) {}

  async close(): Promise<void> {
    const stores = [this.main, ...this.named.values()];
    await Promise.allSettled(stores.map(async (store) => store.close()));
  }
}

/**
 * Opens the stores that the options name and imports the adapters they need. Which layers a store has:
 *
 *   connection       NearStore (unless `near: false`) → GuardedStore → RedisStore
 *   stores, cache    NearStore (only if `near` is set) → GuardedStore → CacheManagerStore
 *   none of these    MemoryStore
 */
export async function openStores(
  options: AsyncCacheOptions,
  clock: SystemClock,
  observer: EventObserver,
  valueTypes: ValueTypeRegistry,
): Promise<OpenStores> {
  const { stores, prefix = DEFAULT_PREFIX, serializer, compress, near } = options;
  const above = compress === undefined ? Infinity : toBytes(compress.above, 'compress.above', 'forRoot');
  const codec = serializer ?? new CompressingCodec(new MsgpackrCodec(valueTypes), above);
  const timeout = toPeriod(options.storeTimeout ?? DEFAULT_STORE_TIMEOUT, 'storeTimeout', 'forRoot');
  const setup: Omit<Setup, 'name'> = { prefix, codec, near, timeout, clock, observer, valueTypes: valueTypes.all };
  const byName = isKeyvStores(stores) ? {} : ((stores ?? {}) as Record<string, StoreOptions>);
  const main = await openStore(mainStore(options), { ...setup, name: 'main' });
  const named = new Map<string, Store>();
  for (const [name, store] of Object.entries(byName)) named.set(name, await openStore(store, { ...setup, name }));
  return new OpenStores(main, named);
}

/** What all stores of an application are opened with. */
interface Setup {
  /** `main`, or the name in `stores`. */
  readonly name: string;
  readonly prefix: string;
  readonly codec: Codec;
  readonly near: AsyncCacheOptions['near'];
  /** Milliseconds. */
  readonly timeout: number;
  readonly clock: SystemClock;
  readonly observer: EventObserver;
  readonly valueTypes: ValueTypes;
}

/** The store of jobs that name none. `validateOptions` has made sure that the options give at most one. */
function mainStore({ connection, store, stores, cache, enabled }: AsyncCacheOptions): StoreOptions {
  if (enabled === false) return {};
  if (store !== undefined) return store;
  if (cache !== undefined) return { cache };
  if (isKeyvStores(stores)) return { stores: stores as KeyvStores };
  return connection === undefined ? {} : { connection };
}

async function openStore(home: StoreOptions, setup: Setup): Promise<Store> {
  if (home.connection !== undefined) return openRedisStore(home.connection, setup);
  if (home.stores !== undefined || home.cache !== undefined) return openCacheManagerStore(home, setup);
  return openMemoryStore(home, setup);
}

function openMemoryStore({ max, maxBytes }: StoreOptions, { clock, observer }: Setup): Store {
  return new MemoryStore({
    clock,
    ...(max === undefined ? {} : { max }),
    ...(maxBytes === undefined ? {} : { maxBytes: toBytes(maxBytes, 'store.maxBytes', 'forRoot') }),
    onTooLarge: (key) => {
      const error = new Error('it alone takes more than maxBytes of the memory store');
      observer.observe({ type: 'value-refused', job: '', key, error });
    },
  });
}

async function openRedisStore(connection: NonNullable<StoreOptions['connection']>, setup: Setup): Promise<Store> {
  const { prefix, codec, near, timeout, clock } = setup;
  const redis = await import('./redis/index.js').catch(undefinedIfMissing);
  if (redis === undefined) throw notInstalled('connection', 'bullmq @nestjs/bullmq ioredis');
  const client = redis.connectRedis(connection, () => undefined);
  const store = new redis.RedisStore({ client, prefix, codec, clock, onCorrupt: reporting(setup, 'read') });
  const guarded = new GuardedStore(store, timeout, clock, outagesOf(setup));
  if (near === false) return guarded;
  const feed = store.changeFeed(clock, (cause) => {
    reporting(setup, 'changes')('', new StoreError('reporting changes', { cause }, undefined, NO_COPIES));
  });
  return withNearTier(guarded, near, feed, setup);
}

async function openCacheManagerStore(home: StoreOptions, setup: Setup): Promise<Store> {
  const { prefix, codec, near, timeout, clock } = setup;
  const adapter = await import('./cache-manager/index.js').catch(undefinedIfMissing);
  if (adapter === undefined) throw notInstalled('stores', 'cache-manager keyv');
  const own = home as CacheManagerStoreOptions;
  const store = new adapter.CacheManagerStore({ ...own, prefix, codec, clock, onCorrupt: reporting(setup, 'read') });
  // An unreachable store may come back, so the application starts. One that silently stores nothing makes `check` reject.
  const checked = await store.check();
  if (checked.kind === 'unreachable') reporting(setup, 'check')('', checked.error);
  const guarded = new GuardedStore(store, timeout, clock, outagesOf(setup));
  // Off by default: such a store reports no changes, so copies in one process would miss the writes of others.
  return near ? withNearTier(guarded, near, undefined, setup) : guarded;
}

function withNearTier(
  store: GuardedStore,
  { max = DEFAULT_NEAR.max, maxBytes, age = DEFAULT_NEAR.age }: NearOptions = {},
  feed: ChangeFeed | undefined,
  setup: Setup,
): NearStore {
  const { clock, valueTypes } = setup;
  const onFailure = (operation: string, key: string, error: unknown): void => {
    // Not a new failure: the one that suspended the store has been reported.
    if (!(error instanceof StoreSuspendedError)) reporting(setup, operation)(key, error);
  };
  const onRestored = (): void => {
    store.resume();
  };
  const period = toPeriod(age, 'near.age', 'forRoot');
  const bytes = maxBytes === undefined ? undefined : toBytes(maxBytes, 'near.maxBytes', 'forRoot');
  return new NearStore({ store, feed, clock, max, maxBytes: bytes, age: period, valueTypes, onFailure, onRestored });
}

function outagesOf({ name, observer }: Setup): StoreOutageOptions {
  return {
    name,
    onRecovery: (duration) => {
      observer.observe({ type: 'store-recovered', job: '', key: '', store: name, duration });
    },
  };
}

function reporting({ observer }: Setup, operation: string): (key: string, error: unknown) => void {
  return (key, error) => {
    observer.observe({ type: 'store-failed', job: '', key, operation, error });
  };
}
