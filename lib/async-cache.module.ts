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
import { ValueTypeRegistry } from './core/value/value-type-registry.js';
import { CronTimetable } from './memory/cron-timetable.js';
import { InProcessRefreshQueue } from './memory/in-process-refresh-queue.js';
import { SystemClock } from './memory/system-clock.js';
import { MsgpackrCodec } from './msgpackr/msgpackr-codec.js';
import { AsyncCache } from './nest/async-cache.js';
import { type AsyncCacheOptions, DEFAULT_PREFIX } from './nest/async-cache-options.js';
import { AsyncCacheRuntime } from './nest/async-cache-runtime.js';
import { EventObserver } from './nest/event-observer.js';
import { JobExplorer } from './nest/job-explorer.js';
import { nearestPackageName } from './nest/nearest-package-name.js';
import { LiveProviders } from './nest/live-providers.js';
import { notInstalled, undefinedIfMissing } from './nest/optional-peer.js';
import { ProcessReporter } from './nest/process-reporter.js';
import { ProcessWatch } from './nest/process-watch.js';
import { nameException, restoreException } from './nest/remembered-exceptions.js';
import { REFRESH_QUEUE, RUNTIME } from './nest/tokens.js';
import { validateOptions } from './nest/validate-options.js';
import { OpenStores, openStores } from './open-stores.js';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<AsyncCacheOptions>({
  moduleName: 'AsyncCache',
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createAsyncCacheOptions')
  .build();

/** What a class given as `useClass` or `useExisting` of `forRootAsync` has. */
export interface AsyncCacheOptionsFactory {
  /** Called once, at start-up. */
  createAsyncCacheOptions(): AsyncCacheOptions | Promise<AsyncCacheOptions>;
}

/** What `forRootAsync` takes: `imports`, `inject`, and one of `useFactory`, `useClass` and `useExisting`. */
export type AsyncCacheAsyncOptions<Captured = unknown> = ConfigurableModuleAsyncOptions<
  AsyncCacheOptions<Captured>,
  'createAsyncCacheOptions'
> &
  Scoped;

interface Scoped {
  /** False: only modules that import it have it. *Default:* true. */
  isGlobal?: boolean;
}

/** The options after `validateOptions` has accepted them. */
const OPTIONS = Symbol('options of nestjs-async-cache');

/**
 * What the cache and the refresh queue both need. A module of its own, because the cache's module imports the queue's,
 * so the queue's cannot import the cache's.
 */
@Module({
  providers: [
    SystemClock,
    EventObserver,
    { provide: OPTIONS, inject: [MODULE_OPTIONS_TOKEN], useFactory: validateOptions },
    { provide: ValueTypeRegistry, inject: [OPTIONS, EventObserver], useFactory: createValueTypes },
  ],
  exports: [OPTIONS, SystemClock, EventObserver, ValueTypeRegistry],
})
class AsyncCacheBaseModule extends ConfigurableModuleClass {}

/** Not global, because Nest destroys global modules last: the worker must end before the stores that it writes to. */
@Module({})
class RefreshQueueModule {}

/** Import it once, in the root module. Provides `AsyncCache`, and what `@AsyncCached` and `AsyncCacheJob` need. */
@Module({})
export class AsyncCacheModule implements OnModuleDestroy, OnApplicationShutdown {
  /** @internal */
  constructor(
    private readonly inProcess: InProcessRefreshQueue,
    private readonly stores: OpenStores,
    private readonly observer: EventObserver,
  ) {}

  /** Without options everything runs in this process. Throws a `ConfigurationError` at start-up for wrong options. */
  static forRoot<Captured = unknown>(options: AsyncCacheOptions<Captured> & Scoped = {}): DynamicModule {
    const { isGlobal, ...own } = options;
    const base = AsyncCacheBaseModule.forRoot(own);
    return compose(base, isGlobal, own.connection !== undefined);
  }

  /** As `forRoot`, with options from `useFactory`, `useClass` (`createAsyncCacheOptions`) or `useExisting`. */
  static forRootAsync<Captured = unknown>(options: AsyncCacheAsyncOptions<Captured>): DynamicModule {
    const { isGlobal, ...own } = options;
    return compose(AsyncCacheBaseModule.forRootAsync(own), isGlobal, true);
  }

  /** The worker of the BullMQ queue has stopped by now: its module is not global, so Nest destroyed it before this one. */
  async onModuleDestroy(): Promise<void> {
    await this.inProcess.close();
  }

  /** Closes the stores, after the last reader. */
  async onApplicationShutdown(): Promise<void> {
    await this.stores.close();
    this.observer.complete();
  }
}

/**
 * The wiring plan of the package. An application has one of each: options, clock, observer and value types (in the base
 * module), the stores, the in-process queue, the BullMQ queue where there is a connection, and the runtime that binds
 * decorated methods and job classes to all of them. The functions below make the parts; `open-stores.ts` the stores.
 */
function compose(base: DynamicModule, isGlobal = true, mayHaveQueue: boolean): DynamicModule {
  return {
    module: AsyncCacheModule,
    global: isGlobal,
    imports: [base, DiscoveryModule, ...(mayHaveQueue ? [queueModule(base)] : [])],
    providers: [
      {
        provide: OpenStores,
        inject: [OPTIONS, SystemClock, EventObserver, ValueTypeRegistry],
        useFactory: openStores,
      },
      { provide: InProcessRefreshQueue, inject: [OPTIONS, SystemClock], useFactory: createInProcessQueue },
      {
        provide: Cache,
        inject: [
          OPTIONS,
          SystemClock,
          EventObserver,
          ValueTypeRegistry,
          OpenStores,
          InProcessRefreshQueue,
          { token: REFRESH_QUEUE, optional: true },
        ],
        useFactory: createCache,
      },
      LiveProviders,
      { provide: AsyncCacheRuntime, inject: [OPTIONS, Cache, EventObserver, LiveProviders], useFactory: createRuntime },
      { provide: RUNTIME, useExisting: AsyncCacheRuntime },
      JobExplorer,
      AsyncCache,
      {
        provide: ProcessReporter,
        inject: [OPTIONS, AsyncCacheRuntime, EventObserver, OpenStores],
        useFactory: createReporter,
      },
    ],
    exports: [RUNTIME, AsyncCache, ProcessReporter],
  };
}

function createValueTypes({ types }: AsyncCacheOptions, observer: EventObserver): ValueTypeRegistry {
  return new ValueTypeRegistry(types, (className) => {
    observer.observe({ type: 'class-unknown', job: '', key: '', className });
  });
}

function createInProcessQueue({ worker, maxWaiting }: AsyncCacheOptions, clock: SystemClock): InProcessRefreshQueue {
  const concurrency = worker === false ? undefined : worker?.concurrency;
  return new InProcessRefreshQueue({
    clock,
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(maxWaiting === undefined ? {} : { limit: maxWaiting }),
  });
}

function createCache(
  { enabled = true, connection, context }: AsyncCacheOptions,
  clock: SystemClock,
  observer: EventObserver,
  valueTypes: ValueTypeRegistry,
  { main, named }: OpenStores,
  inProcess: InProcessRefreshQueue,
  queue?: RefreshQueue | null,
): Cache {
  if (connection !== undefined && enabled && !queue) {
    throw notInstalled('connection', 'bullmq @nestjs/bullmq ioredis');
  }
  return new Cache({
    store: main,
    stores: named,
    inProcess,
    queue: queue ?? undefined,
    environment: {
      clock,
      observer,
      timetable: new CronTimetable(),
      valueTypes,
      context,
      nameError: nameException,
      restoreError: restoreException,
      random: Math.random,
    },
  });
}

function createRuntime(
  { defaults = {}, enabled = true }: AsyncCacheOptions,
  cache: Cache,
  observer: EventObserver,
  providers: LiveProviders,
): AsyncCacheRuntime {
  return new AsyncCacheRuntime(cache, observer, providers, defaults, enabled);
}

function createReporter(
  { worker }: AsyncCacheOptions,
  runtime: AsyncCacheRuntime,
  observer: EventObserver,
  { main }: OpenStores,
): ProcessReporter {
  return new ProcessReporter(new ProcessWatch(runtime, observer, worker !== false), main.noticeboard);
}

/** The refresh queue on BullMQ; null where the options of `forRootAsync` have no connection. */
async function queueModule(base: DynamicModule): Promise<DynamicModule> {
  const bullmq = await import('./bullmq/index.js').catch(undefinedIfMissing);
  if (bullmq === undefined) return { module: RefreshQueueModule };
  const refreshes = bullmq.BullMQRefreshModule.register({
    imports: [base],
    inject: [OPTIONS, EventObserver],
    useFactory: queueOptions,
  });
  return {
    module: RefreshQueueModule,
    imports: [refreshes],
    providers: [{ provide: REFRESH_QUEUE, useExisting: bullmq.BullMQRefreshQueue }],
    exports: [REFRESH_QUEUE],
  };
}

function queueOptions(options: AsyncCacheOptions, observer: EventObserver): BullMQRefreshOptions | undefined {
  const { connection, prefix = DEFAULT_PREFIX, worker, telemetry, maxWaiting, serializer, enabled } = options;
  if (connection === undefined || enabled === false) return undefined;
  const application = options.name ?? nearestPackageName();
  return {
    connection: connection as BullMQRefreshOptions['connection'],
    prefix: `${prefix}:queue`,
    worker,
    telemetry: telemetry as BullMQRefreshOptions['telemetry'],
    maxWaiting,
    codec: serializer ?? new MsgpackrCodec(),
    application,
    onNeighbour: ({ application: neighbour, host, pid }) => {
      const at = `${host}:${String(pid)}`;
      observer.observe({ type: 'neighbour-found', job: '', key: '', application, neighbour, at, prefix });
    },
    onOutageEnd: (duration) => {
      observer.observe({ type: 'queue-recovered', job: '', key: '', duration });
    },
    onFailure: (error) => {
      observer.observe({ type: 'queue-failed', job: error.job ?? '', key: error.key ?? '', error });
    },
  };
}
