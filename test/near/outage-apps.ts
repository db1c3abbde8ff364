import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggerService } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  AsyncCache,
  AsyncCacheJob,
  AsyncCacheModule,
  type AsyncCacheOptions,
  type CacheEvent,
  type JobOptions,
} from 'nestjs-async-cache';
import { onTestFinished } from 'vitest';

export interface Fetched {
  /** The origin's version at the time of the fetch. */
  readonly version: number;
  /** The number of the fetch that brought it. */
  readonly fetch: number;
}

/** The origin of the cached values, which records who asks. */
export class Origin {
  version = 1;
  failing = false;
  /** `app key`, for each fetch. */
  readonly fetches: string[] = [];

  async get(app: string, key: string): Promise<Fetched> {
    const fetch = this.fetches.push(`${app} ${key}`);
    await sleep(5);
    if (this.failing) throw new Error('The origin is down');
    return { version: this.version, fetch };
  }

  /** The largest number of fetches of any key of one job since `from`. */
  mostOf(job: string, from = 0): number {
    const counts = new Map<string, number>();
    for (const fetch of this.fetches.slice(from)) {
      const key = fetch.slice(fetch.indexOf(' ') + 1);
      if (key.startsWith(job)) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return Math.max(0, ...counts.values());
  }
}

export interface Job {
  get(key: string): Promise<Fetched>;
  read(key: string): Promise<{ value: Fetched; status: string; age: number }>;
  set(args: [string], value: Fetched): Promise<void>;
  refresh(key: string): Promise<Fetched>;
}

export interface OutageApp {
  readonly name: string;
  readonly module: TestingModule;
  readonly cache: AsyncCache;
  readonly events: CacheEvent[];
  /** `quick` is stale after 300 ms, `steady` never. */
  readonly jobs: { readonly quick: Job; readonly steady: Job };
  /** Like `steady`, but never fetched: its values are only set. */
  readonly marks: Job;
}

const SILENT: LoggerService = { log: () => undefined, error: () => undefined, warn: () => undefined };

export const QUICK_TTL = 300;

/** An application with the default options and a connection. */
async function startOutageApp(name: string, origin: Origin, options: AsyncCacheOptions): Promise<OutageApp> {
  const [quick, steady, marks] = [
    jobOf('quick', { ttl: QUICK_TTL / 1_000 }),
    jobOf('steady', { ttl: '1h' }),
    jobOf('marks', { ttl: '1h' }),
  ] as const;
  function jobOf(job: string, attributes: JobOptions) {
    class OfTest extends AsyncCacheJob {
      constructor() {
        super();
        Object.assign(this, attributes, { name: job });
      }
      override fetch(key: string): Promise<Fetched> {
        return origin.get(name, `${job} ${key}`);
      }
    }
    return OfTest;
  }
  const module = await Test.createTestingModule({
    imports: [AsyncCacheModule.forRoot(options)],
    providers: [quick, steady, marks],
  })
    .setLogger(SILENT)
    .compile();
  await module.init();
  onTestFinished(() => module.close());
  const cache = module.get(AsyncCache);
  const events: CacheEvent[] = [];
  cache.events$.subscribe((event) => {
    if (events.length < 10_000) events.push(event);
  });
  const get = (job: ReturnType<typeof jobOf>): Job => module.get<unknown, Job>(job);
  return { name, module, cache, events, jobs: { quick: get(quick), steady: get(steady) }, marks: get(marks) };
}

export async function startTwoApps(
  options: AsyncCacheOptions | (() => AsyncCacheOptions),
): Promise<{ origin: Origin; apps: [OutageApp, OutageApp] }> {
  const origin = new Origin();
  const prefix = randomUUID();
  const own = (): AsyncCacheOptions => ({ prefix, ...(typeof options === 'function' ? options() : options) });
  const apps: [OutageApp, OutageApp] = [
    await startOutageApp('A', origin, own()),
    await startOutageApp('B', origin, own()),
  ];
  return { origin, apps };
}

export interface Load {
  readonly reads: number;
  /** Errors of reads. */
  readonly failures: readonly unknown[];
  /** Milliseconds that the longest read took. */
  readonly longest: number;
}

/** Reads in each application while `during` runs. */
export async function readWhile(
  apps: readonly OutageApp[],
  keys: readonly string[],
  during: () => Promise<unknown>,
): Promise<Load> {
  let over = false;
  let reads = 0;
  let longest = 0;
  const failures: unknown[] = [];
  const reader = async (job: Job, key: string): Promise<void> => {
    while (!over) {
      const from = performance.now();
      await job.get(key).catch((error: unknown) => failures.push(error));
      longest = Math.max(longest, performance.now() - from);
      reads += 1;
      await sleep(10);
    }
  };
  const readers = apps.flatMap(({ jobs }) =>
    Object.values(jobs).flatMap((job: Job) => keys.map((key) => reader(job, key))),
  );
  try {
    await during();
  } finally {
    over = true;
    await Promise.all(readers);
  }
  return { reads, failures, longest };
}

/** Milliseconds until both applications read the same newest value of every key, and each sees what the other sets. */
export async function untilConsistent(
  origin: Origin,
  [one, other]: [OutageApp, OutageApp],
  keys: readonly string[],
  limit: number,
): Promise<number> {
  const from = performance.now();
  origin.version += 1;
  const { version } = origin;
  while (performance.now() - from < limit) {
    if (await agree()) return performance.now() - from;
    await sleep(20);
  }
  return Infinity;

  async function agree(): Promise<boolean> {
    for (const key of keys) {
      const values = await Promise.all([one, other].map(({ jobs }) => jobs.quick.get(key)));
      if (!values.every((value) => value.version >= version)) return false;
      const mark = { version, fetch: -Math.random() };
      try {
        await one.marks.set([key], mark);
      } catch {
        return false;
      }
      await sleep(10);
      const seen = await Promise.all([one, other].map(({ marks }) => marks.get(key)));
      if (!seen.every(({ fetch }) => fetch === mark.fetch)) return false;
    }
    return true;
  }
}
