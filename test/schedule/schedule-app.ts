import { getQueueToken } from '@nestjs/bullmq';
import type { LoggerService } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import {
  AsyncCache,
  AsyncCacheJob,
  AsyncCacheModule,
  type AsyncCacheOptions,
  type CacheEvent,
  type Duration,
} from 'nestjs-async-cache';
import { REFRESH_QUEUE_NAME } from '../../lib/bullmq/bullmq-refresh.module.js';

const SILENT: LoggerService = { log: () => undefined, error: () => undefined, warn: () => undefined };

export interface ScheduleApp {
  readonly module: TestingModule;
  readonly events: CacheEvent[];
  /** Undefined in the embedded mode. */
  readonly queue: Queue | undefined;
}

export interface ScheduleParts {
  readonly options?: AsyncCacheOptions;
  /** Undefined when the job has no schedule. */
  readonly every?: Duration | undefined;
  /** A cron pattern in the place of a period. */
  readonly pattern?: { readonly pattern: string; readonly tz?: string } | undefined;
  readonly warm?: boolean;
  /** Called at each fetch. */
  readonly onFetch?: (key: string) => void;
}

/** An application with one job that has two keys. */
export async function startScheduleApp({
  options,
  every,
  pattern,
  warm,
  onFetch,
}: ScheduleParts): Promise<ScheduleApp> {
  const timing = every === undefined ? pattern : { every };
  class Scheduled extends AsyncCacheJob {
    ttl = '1h';
    refreshEvery = timing && { ...timing, args: [['a'], ['b']] };
    warmOnStart = warm === true ? [['a'], ['b']] : undefined;
    override async fetch(key: string): Promise<string> {
      onFetch?.(key);
      return key;
    }
  }
  const module = await Test.createTestingModule({
    imports: [AsyncCacheModule.forRoot(options)],
    providers: [Scheduled],
  })
    .setLogger(SILENT)
    .compile();
  const events: CacheEvent[] = [];
  module.get(AsyncCache).events$.subscribe((event) => events.push(event));
  await module.init();
  const queue =
    options?.connection === undefined
      ? undefined
      : module.get<unknown, Queue>(getQueueToken(REFRESH_QUEUE_NAME), { strict: false });
  return { module, events, queue };
}
