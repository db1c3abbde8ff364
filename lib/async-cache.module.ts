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
import { Cache } from './core/cache.js';
import type { RefreshQueue } from './core/ports.js';
import { InProcessRefreshQueue } from './memory/in-process-refresh-queue.js';
import { SystemClock } from './memory/system-clock.js';
import { MsgpackrCodec } from './msgpackr/msgpackr-codec.js';
import { AsyncCache } from './nest/async-cache.js';
import { type AsyncCacheOptions, DEFAULT_PREFIX } from './nest/async-cache-options.js';
import { AsyncCacheRuntime } from './nest/async-cache-runtime.js';
import { EventObserver } from './nest/event-observer.js';
import { JobExplorer } from './nest/job-explorer.js';
import { LiveProviders } from './nest/live-providers.js';
import { notInstalled, undefinedIfMissing } from './nest/optional-peer.js';
import { REFRESH_QUEUE, RUNTIME } from './nest/tokens.js';
import { validateOptions } from './nest/validate-options.js';
import { OpenStores, openStores } from './open-stores.js';


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

function concurrencyOf(worker: AsyncCacheOptions['worker']): { concurrency?: number } {
  return worker === false || worker?.concurrency === undefined
    ? {}
    : { concurrency: worker.concurrency };
}
