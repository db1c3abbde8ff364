import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { AsyncCacheHealthIndicator } from './async-cache-health.indicator.js';

/** Import it beside `TerminusModule`, where the health of the application is checked. */
@Module({
  imports: [TerminusModule],
  providers: [AsyncCacheHealthIndicator],
  exports: [AsyncCacheHealthIndicator],
})
export class AsyncCacheHealthModule {}
