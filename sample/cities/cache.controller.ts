import { Controller, Delete, Get, Sse, type MessageEvent } from '@nestjs/common';
import { AsyncCache } from 'nestjs-async-cache';
import { map, type Observable } from 'rxjs';

/** What the cache does, in readable form: `curl` the statistics, `curl -N` the events. */
@Controller('cache')
export class CacheController {
  constructor(private readonly asyncCache: AsyncCache) {}

  @Get('stats')
  stats(): ReturnType<AsyncCache['stats']> {
    return this.asyncCache.stats();
  }

  @Sse('events')
  events(): Observable<MessageEvent> {
    return this.asyncCache.events$.pipe(map((event) => ({ type: event.type, data: event })));
  }

  @Delete()
  clear(): Promise<void> {
    return this.asyncCache.clear();
  }
}
