import { type DynamicModule, Module } from '@nestjs/common';
import { Instrumentation } from './instrumentation.js';

/**
 * Metrics and spans of the cache, for the OpenTelemetry SDK that the application has registered. Start the SDK before the
 * application: instruments that are made earlier measure nothing. Keys are in neither.
 */
@Module({})
export class AsyncCacheOtelModule {
  /** Import it beside `AsyncCacheModule`, in every process. A read then costs the recording of two measurements. */
  static forRoot(): DynamicModule {
    return { module: AsyncCacheOtelModule, providers: [Instrumentation] };
  }
}
