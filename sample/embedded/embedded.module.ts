import { Module } from '@nestjs/common';
import { AsyncCacheModule } from 'nestjs-async-cache';
import { AsyncCacheDashboardModule } from 'nestjs-async-cache/dashboard';
import { CitiesModule } from '../cities/cities.module.js';
import { QueryLogController } from '../cities/database/query-log.controller.js';
import { ThreadDatabase } from '../cities/database/thread-database.js';

/** One process: entries in its memory, refreshes in its background. No server is needed. */
@Module({
  imports: [
    AsyncCacheModule.forRoot(),
    CitiesModule.on(ThreadDatabase),
    // Everybody may do everything, because the sample listens to this machine only.
    AsyncCacheDashboardModule.forRoot({ guard: () => 'write' }),
  ],
  controllers: [QueryLogController],
})
export class EmbeddedModule {}
