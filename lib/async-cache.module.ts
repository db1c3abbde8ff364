import {
  type ConfigurableModuleAsyncOptions,
  ConfigurableModuleBuilder,
  type DynamicModule,
  Module,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { BullMQRefreshOptions } from './bullmq/bullmq-refresh-options.js';
import type { CacheManagerStoreOptions } from './cache-manager/cache-manager-store-options.js';
import { Cache } from './core/cache.js';
import { toPeriod } from './core/duration.js';
import { ConfigurationError, StoreSuspendedError } from './core/errors.js';
import { GuardedStore } from './core/guarded-store.js';
import type { ChangeFeed, RefreshQueue, Store } from './core/ports.js';
import { InProcessRefreshQueue } from './memory/in-process-refresh-queue.js';
import { MemoryStore } from './memory/memory-store.js';
import { NearStore } from './memory/near-store.js';
import { SystemClock } from './memory/system-clock.js';
import { MsgpackrCodec } from './msgpackr/msgpackr-codec.js';
import { AsyncCache } from './nest/async-cache.js';
import type {
  AsyncCacheOptions,
  KeyvStores,
  NearOptions,
  StoreOptions,
} from './nest/async-cache-options.js';
import { AsyncCacheRuntime } from './nest/async-cache-runtime.js';
import { EventObserver } from './nest/event-observer.js';
import { JobExplorer } from './nest/job-explorer.js';
import { LiveProviders } from './nest/live-providers.js';
import { REFRESH_QUEUE, RUNTIME } from './nest/tokens.js';
import { isKeyvStores, validateOptions } from './nest/validate-options.js';

const DEFAULT_PREFIX = 'async-cache';
const DEFAULT_STORE_TIMEOUT = '500ms';
const DEFAULT_NEAR = { max: 10_000, age: '30s' } as const;

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<AsyncCacheOptions>({ moduleName: 'AsyncCache' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createAsyncCacheOptions')
    .build();

/** What a class given as `useClass` or `useExisting` of `forRootAsync` has. */
export interface AsyncCacheOptionsFactory {
  createAsyncCacheOptions(): AsyncCacheOptions | Promise<AsyncCacheOptions>;
}

export type AsyncCacheAsyncOptions = ConfigurableModuleAsyncOptions<
  AsyncCacheOptions,
  'createAsyncCacheOptions'
> &
  Scoped;

interface Scoped {
  /** False: only modules that import it have it. *Default:* true. */
  isGlobal?: boolean;
}

/** The options, once they are known to be right. */
const OPTIONS = Symbol('options of nestjs-async-cache');

/** What the cache and its refresh queue share. A module of its own, since each of the two is another's import. */
@Module({
  providers: [
    SystemClock,
    EventObserver,
    { provide: OPTIONS, inject: [MODULE_OPTIONS_TOKEN], useFactory: validateOptions },
  ],
  exports: [OPTIONS, SystemClock, EventObserver],
})
class AsyncCacheBaseModule extends ConfigurableModuleClass {}

/** Where entries live: opened once, closed after the last request is answered. */
class OpenStores {
  constructor(
    readonly main: Store,
    readonly named: ReadonlyMap<string, Store>,
  ) {}

  async close(): Promise<void> {
    const stores = [this.main, ...this.named.values()];
    await Promise.allSettled(stores.map(async (store) => store.close()));
  }
}

/** Not global: what is destroyed first is what is not, so the worker ends before the stores that it fills. */
@Module({})
class RefreshQueueModule {}

/** Import it once, in the root module. Provides `AsyncCache`, and what `@AsyncCached` and `AsyncCacheJob` need. */
@Module({})
export class AsyncCacheModule implements OnModuleDestroy, OnApplicationShutdown {
  constructor(
    private readonly inProcess: InProcessRefreshQueue,
    private readonly stores: OpenStores,
    private readonly observer: EventObserver,
  ) {}

  /** Without options everything runs in this process. Throws a `ConfigurationError` at start-up for wrong options. */
  static forRoot(options: AsyncCacheOptions & Scoped = {}): DynamicModule {
    const { isGlobal, ...own } = options;
    const base = AsyncCacheBaseModule.forRoot(own);
    return compose(base, isGlobal, own.connection !== undefined);
  }

  /** As `forRoot`, with options from `useFactory`, `useClass` (`createAsyncCacheOptions`) or `useExisting`. */
  static forRootAsync(options: AsyncCacheAsyncOptions): DynamicModule {
    const { isGlobal, ...own } = options;
    return compose(AsyncCacheBaseModule.forRootAsync(own), isGlobal, true);
  }

  /** The worker of the BullMQ queue has stopped by now: its module is no global one, and those end first. */
  async onModuleDestroy(): Promise<void> {
    await this.inProcess.close();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.stores.close();
    this.observer.complete();
  }
}

function compose(base: DynamicModule, isGlobal = true, mayHaveQueue: boolean): DynamicModule {
  return {
    module: AsyncCacheModule,
    global: isGlobal,
    imports: [base, DiscoveryModule, ...(mayHaveQueue ? [queueModule(base)] : [])],
    providers: [
      LiveProviders,
      JobExplorer,
      AsyncCache,
      {
        provide: InProcessRefreshQueue,
        inject: [OPTIONS, SystemClock],
        useFactory: ({ worker }: AsyncCacheOptions, clock: SystemClock) =>
          new InProcessRefreshQueue({ clock, ...concurrencyOf(worker) }),
      },
      {
        provide: OpenStores,
        inject: [OPTIONS, SystemClock, EventObserver],
        useFactory: openStores,
      },
      {
        provide: AsyncCacheRuntime,
        inject: [
          OPTIONS,
          SystemClock,
          EventObserver,
          OpenStores,
          InProcessRefreshQueue,
          LiveProviders,
          { token: REFRESH_QUEUE, optional: true },
        ],
        useFactory: (
          { defaults = {}, enabled = true, connection }: AsyncCacheOptions,
          clock: SystemClock,
          observer: EventObserver,
          stores: OpenStores,
          inProcess: InProcessRefreshQueue,
          providers: LiveProviders,
          queue?: RefreshQueue | null,
        ) => {
          if (connection !== undefined && enabled && !queue) {
            throw notInstalled('connection', 'bullmq @nestjs/bullmq ioredis');
          }
          const environment = { clock, observer, random: Math.random };
          const { main: store, named } = stores;
          const parts = { store, stores: named, inProcess, queue: queue ?? undefined, environment };
          return new AsyncCacheRuntime(new Cache(parts), providers, defaults, enabled);
        },
      },
      { provide: RUNTIME, useExisting: AsyncCacheRuntime },
    ],
    exports: [RUNTIME, AsyncCache],
  };
}

/** The refresh queue on BullMQ; null when the options turn out to have no connection. */
async function queueModule(base: DynamicModule): Promise<DynamicModule> {
  const bullmq = await import('./bullmq/index.js').catch(undefinedIfMissing);
  if (bullmq === undefined) return { module: RefreshQueueModule };
  const refreshes = bullmq.BullMQRefreshModule.register({
    imports: [base],
    inject: [OPTIONS, EventObserver],
    useFactory: (options: AsyncCacheOptions, observer: EventObserver) => {
      const { connection, prefix = DEFAULT_PREFIX, worker, serializer, enabled } = options;
      if (connection === undefined || enabled === false) return undefined;
      return {
        connection: connection as BullMQRefreshOptions['connection'],
        prefix: `${prefix}:queue`,
        worker,
        codec: serializer ?? new MsgpackrCodec(),
        onFailure: (error) => {
          observer.observe({ type: 'queue-failed', job: error.job ?? '', key: error.key ?? '', error });
        },
      };
    },
  });
  return {
    module: RefreshQueueModule,
    imports: [refreshes],
    providers: [{ provide: REFRESH_QUEUE, useExisting: bullmq.BullMQRefreshQueue }],
    exports: [REFRESH_QUEUE],
  };
}

async function openStores(
  options: AsyncCacheOptions,
  clock: SystemClock,
  observer: EventObserver,
): Promise<OpenStores> {
  const open = (store: StoreOptions): Promise<Store> => openStore(store, options, clock, observer);
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
    return near === false ? guarded : nearStore(guarded, near, store.changeFeed(clock), clock, observer);
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
    await store.check();
    const guarded = new GuardedStore(store, timeout, clock);
    // Without being asked, no process is to miss what another one changed.
    return near ? nearStore(guarded, near, undefined, clock, observer) : guarded;
  }
  return new MemoryStore({ clock, ...(home.max === undefined ? {} : { max: home.max }) });
}

function nearStore(
  store: Store,
  { max = DEFAULT_NEAR.max, age = DEFAULT_NEAR.age }: NearOptions = {},
  feed: ChangeFeed | undefined,
  clock: SystemClock,
  observer: EventObserver,
): NearStore {
  const onFailure = (operation: string, key: string, error: unknown): void => {
    if (error instanceof StoreSuspendedError) return;
    observer.observe({ type: 'store-failed', job: '', key, operation, error });
  };
  return new NearStore({ store, feed, clock, max, age: toPeriod(age, 'near.age', 'forRoot'), onFailure });
}

function concurrencyOf(worker: AsyncCacheOptions['worker']): { concurrency?: number } {
  return worker === false || worker?.concurrency === undefined
    ? {}
    : { concurrency: worker.concurrency };
}

function undefinedIfMissing(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
}

function notInstalled(option: string, packages: string): ConfigurationError {
  return new ConfigurationError(
    `forRoot has the option ${option}, and a package that it needs is not installed`,
    `Run npm install ${packages}`,
  );
}
