import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { metrics, trace } from '@opentelemetry/api';
import { AsyncCache } from '../nest/async-cache.js';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { RUNTIME } from '../nest/tokens.js';
import { Measurements } from './measurements.js';
import { SpanTracing } from './span-tracing.js';

const NAME = 'nestjs-async-cache';

/** Watches one application, from when Nest makes it to when the application closes. */
@Injectable()
export class Instrumentation implements OnModuleDestroy {
  readonly #end: () => void;

  constructor(@Inject(RUNTIME) { observer, cache }: AsyncCacheRuntime, @Inject(AsyncCache) { events$ }: AsyncCache) {
    const measurements = new Measurements(metrics.getMeter(NAME), async () => (await cache.queueStatus())?.waiting);
    const subscription = events$.subscribe((event) => {
      measurements.count(event);
    });
    const tracing = new SpanTracing(trace.getTracer(NAME), measurements);
    observer.tracing = tracing;
    this.#end = (): void => {
      subscription.unsubscribe();
      measurements.end();
      if (observer.tracing === tracing) observer.tracing = undefined;
    };
  }

  onModuleDestroy(): void {
    this.#end();
  }
}
