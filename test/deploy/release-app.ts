import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { getQueueToken } from '@nestjs/bullmq';
import type { LoggerService } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import type { AsyncCache, AsyncCacheOptions, CacheEvent, JobOptions } from 'nestjs-async-cache';
import { inject, onTestFinished, vi } from 'vitest';

/** The origin's answer: which release asked, and for what. */
export interface Fetched {
  readonly release: string;
  readonly job: string;
  readonly key: string;
  readonly number: number;
}

/** The origin of the cached values. It remembers which release fetched what. */
export class Origin {
  readonly fetches: Fetched[] = [];
  failing = false;

  async get(release: string, job: string, key: string): Promise<Fetched> {
    const fetched = { release, job, key, number: this.fetches.length + 1 };
    this.fetches.push(fetched);
    await sleep(5);
    if (this.failing) throw new Error('The origin is down');
    return fetched;
  }

  /** How often each key of a job was fetched since `from`, by one release or by all. */
  counts(job: string, keys: readonly string[], from = 0, release?: string): number[] {
    const fetches = this.fetches
      .slice(from)
      .filter((each) => each.job === job && release === (release && each.release));
    return keys.map((key) => fetches.filter((each) => each.key === key).length);
  }
}

export interface ReleaseJob {
  get(key: string): Promise<Fetched>;
  read(key: string): Promise<{ readonly value: Fetched; readonly status: string }>;
  peek(key: string): Promise<{ readonly value: Fetched } | undefined>;
  set(args: [string], value: Fetched): Promise<void>;
  refresh(key: string): Promise<Fetched>;
  invalidate(key: string): Promise<void>;
  delete(key: string): Promise<boolean>;
  explain(key: string): Promise<{ readonly workers?: number }>;
}

export interface ReleaseApp {
  readonly name: string;
  readonly cache: AsyncCache;
  readonly events: CacheEvent[];
  readonly queue: Queue;
  readonly jobs: Readonly<Record<string, ReleaseJob>>;
  /** Set before the application closes, so that its readers stop first. */
  readonly closed: boolean;
  job(name: string): ReleaseJob;
  /** Events of one type. */
  of<Type extends CacheEvent['type']>(type: Type): Extract<CacheEvent, { type: Type }>[];
  close(): Promise<void>;
}

export interface ReleaseParts {
  readonly origin: Origin;
  /** The jobs that this release has, by name. */
  readonly jobs: Readonly<Record<string, JobOptions>>;
  /** Whether its jobs have `fetchMany`. */
  readonly batches?: boolean;
  readonly options: AsyncCacheOptions;
}

/** Options of a process that runs no refreshes. */
export const asking = { worker: false } as const;

/** Options that all releases of one application share. Another application has another prefix. */
export const applicationOptions = (): AsyncCacheOptions => ({
  connection: { url: inject('redisUrl') },
  prefix: randomUUID(),
});

const SILENT: LoggerService = { log: () => undefined, error: () => undefined, warn: () => undefined };

/** One process of one release of an application. */
export async function startRelease(
  name: string,
  { origin, jobs, batches, options }: ReleaseParts,
): Promise<ReleaseApp> {
  // Imported here, because a test may have another release of the package in its place: see newer-package.ts.
  const { AsyncCache, AsyncCacheJob, AsyncCacheModule } = await import('nestjs-async-cache');
  const classes = Object.entries(jobs).map(([job, attributes]) => {
    class OfRelease extends AsyncCacheJob {
      constructor() {
        super();
        Object.assign(this, attributes, { name: job });
      }
      override fetch(key: string): Promise<Fetched> {
        return origin.get(name, job, key);
      }
    }
    if (batches === true) {
      const fetchMany = (list: readonly [string][]) => Promise.all(list.map(([key]) => origin.get(name, job, key)));
      Object.assign(OfRelease.prototype, { fetchMany });
    }
    return [job, OfRelease] as const;
  });
  const module = await Test.createTestingModule({
    // A machine that is busy with other work must not count as an outage of the store.
    imports: [AsyncCacheModule.forRoot({ storeTimeout: '10s', ...options })],
    providers: classes.map(([, cls]) => cls),
  })
    .setLogger(SILENT)
    .compile();
  const cache = module.get(AsyncCache);
  const events: CacheEvent[] = [];
  cache.events$.subscribe((event) => {
    if (!['hit', 'stale'].includes(event.type)) events.push(event);
  });
  await module.init();
  const queue = module.get<unknown, Queue>(getQueueToken('async-cache'), { strict: false });
  // Otherwise the first requests might be refused, and their refreshes would run in this process.
  await queue.waitUntilReady();
  const handles: Record<string, ReleaseJob> = Object.fromEntries(
    classes.map(([job, cls]) => [job, module.get<unknown, ReleaseJob>(cls)]),
  );
  let closed = false;
  const app: ReleaseApp = {
    name,
    cache,
    events,
    queue,
    jobs: handles,
    get closed() {
      return closed;
    },
    job(wanted) {
      const handle = handles[wanted];
      if (handle === undefined) throw new Error(`${name} has no job ${wanted}`);
      return handle;
    },
    of: <Type extends CacheEvent['type']>(type: Type) =>
      events.filter((event): event is Extract<CacheEvent, { type: Type }> => event.type === type),
    async close() {
      if (closed) return;
      closed = true;
      await module.close();
    },
  };
  onTestFinished(() => app.close());
  return app;
}

export interface Load {
  readonly reads: number;
  /** Errors of reads. */
  readonly failures: readonly unknown[];
  /** The release whose values the readers of each release got, by `release job`. */
  readonly origins: Readonly<Record<string, readonly string[]>>;
}

/** Reads every job in each application while `during` runs. Applications that it starts may join. */
export async function readWhile(
  apps: readonly ReleaseApp[],
  keys: readonly string[],
  during: (join: (app: ReleaseApp) => void) => Promise<unknown>,
): Promise<Load> {
  let over = false;
  let reads = 0;
  const failures: unknown[] = [];
  const origins: Record<string, Set<string>> = {};
  const readers: Promise<void>[] = [];
  const reader = async (app: ReleaseApp, name: string, key: string): Promise<void> => {
    const job = app.job(name);
    while (!over && !app.closed) {
      try {
        const value = await job.get(key);
        if (value.job !== name || value.key !== key)
          failures.push(new Error(`${name} ${key} is ${JSON.stringify(value)}`));
        (origins[`${app.name} ${name}`] ??= new Set()).add(value.release);
      } catch (error) {
        failures.push(error);
      }
      reads += 1;
      await sleep(20);
    }
  };
  const join = (app: ReleaseApp): void => {
    for (const name of Object.keys(app.jobs)) for (const key of keys) readers.push(reader(app, name, key));
  };
  for (const app of apps) join(app);
  try {
    await during(join);
  } finally {
    over = true;
    await Promise.all(readers);
  }
  return {
    reads,
    failures,
    origins: Object.fromEntries(Object.entries(origins).map(([name, set]) => [name, [...set].sort()])),
  };
}

/** Waits until `check` holds. With `hurry`, postponed requests run at once, which saves seconds of waiting. */
export async function eventually(check: () => unknown, hurry?: ReleaseApp): Promise<void> {
  await vi.waitFor(
    async () => {
      await hurry?.queue.promoteJobs();
      await check();
    },
    { timeout: 10_000, interval: 50 },
  );
}

/** The number of requests in the queue. A request that is counted here is not lost. */
export async function requestsIn({ queue }: ReleaseApp): Promise<number> {
  return queue.getJobCountByTypes('waiting', 'prioritized', 'delayed', 'active');
}
