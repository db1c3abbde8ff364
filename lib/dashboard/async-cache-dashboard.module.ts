import {
  type ConfigurableModuleAsyncOptions,
  ConfigurableModuleBuilder,
  type DynamicModule,
  Inject,
  Module,
  type NestModule,
  type OnModuleDestroy,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { ProcessReporter } from '../nest/process-reporter.js';
import { RUNTIME } from '../nest/tokens.js';
import { Dashboard } from './dashboard.js';
import {
  type AsyncCacheDashboardOptions,
  type CheckedDashboardOptions,
  checkDashboardOptions,
  type DashboardRequest,
} from './dashboard-options.js';
import { mountDashboard } from './mount-dashboard.js';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<AsyncCacheDashboardOptions>({
  moduleName: 'AsyncCacheDashboard',
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createAsyncCacheDashboardOptions')
  .build();

/** What `forRootAsync` takes: `imports`, `inject`, and one of `useFactory`, `useClass` and `useExisting`. */
export type AsyncCacheDashboardAsyncOptions<Request = DashboardRequest> = ConfigurableModuleAsyncOptions<
  AsyncCacheDashboardOptions<Request>,
  'createAsyncCacheDashboardOptions'
>;

/** The options after they have been checked. */
const OPTIONS = Symbol('options of the dashboard');

/**
 * A page that shows the cache of the whole application while it runs: its jobs, charts, keys, processes and events. It
 * serves Express and Fastify; in an application without HTTP it does nothing. Costs nothing while no page is open, but
 * one small read of Redis every two seconds in each process.
 */
@Module({
  providers: [
    { provide: OPTIONS, inject: [MODULE_OPTIONS_TOKEN], useFactory: checkDashboardOptions },
    {
      provide: Dashboard,
      inject: [OPTIONS, RUNTIME, ProcessReporter],
      useFactory: (options: CheckedDashboardOptions, runtime: AsyncCacheRuntime, reporter: ProcessReporter) =>
        new Dashboard(options, runtime, reporter),
    },
  ],
})
export class AsyncCacheDashboardModule extends ConfigurableModuleClass implements NestModule, OnModuleDestroy {
  /** @internal */
  constructor(
    @Inject(OPTIONS) private readonly options: CheckedDashboardOptions,
    @Inject(Dashboard) private readonly dashboard: Dashboard,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost | undefined,
  ) {
    super();
  }

  /** Throws a `ConfigurationError` at start-up for a wrong path, and without a guard outside of development and test. */
  static override forRoot<Request = DashboardRequest>(
    options: AsyncCacheDashboardOptions<Request> = {},
  ): DynamicModule {
    return super.forRoot(options as AsyncCacheDashboardOptions);
  }

  /** As `forRoot`, with options from `useFactory`, `useClass` (`createAsyncCacheDashboardOptions`) or `useExisting`. */
  static override forRootAsync<Request = DashboardRequest>(
    options: AsyncCacheDashboardAsyncOptions<Request>,
  ): DynamicModule {
    return super.forRootAsync(options as AsyncCacheDashboardAsyncOptions);
  }

  /** Nest calls it before it registers routes. */
  configure(): void {
    if (this.host?.httpAdapter !== undefined) mountDashboard(this.host.httpAdapter, this.options.path, this.dashboard);
  }

  /** Ends the streams, since the server waits for open connections when it closes. */
  onModuleDestroy(): void {
    this.dashboard.close();
  }
}
