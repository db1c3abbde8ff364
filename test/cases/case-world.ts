import { randomUUID } from 'node:crypto';
import { Global, type LoggerService, Module, type Provider, type Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  AsyncCache,
  AsyncCacheJob,
  AsyncCacheModule,
  type AsyncCacheOptions,
  type CacheEvent,
  type JobOptions,
} from 'nestjs-async-cache';
import { expect } from 'vitest';
import type { RefreshQueue } from '../../lib/core/ports.js';
import { SystemClock } from '../../lib/memory/system-clock.js';
import { REFRESH_QUEUE } from '../../lib/nest/tokens.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';

/** Where the cases run, and what is possible there. */
export interface CaseEnvironment {
  /** Options of `forRoot`. */
  readonly options: () => AsyncCacheOptions;
  /**
   * `manual`: time stands still until a case moves it, so limits can be hit exactly. `real`: a minute of the cases is a
   * tenth of a second. The machine may be slow, so no case may depend on something not having ended yet.
   */
  readonly time: 'manual' | 'real';
  /** Whether applications share entries and refreshes. */
  readonly shared: boolean;
}

interface AppParts {
  readonly providers: readonly Provider[];
  readonly options?: AsyncCacheOptions;
  /** Used in the place of the queue between processes. */
  readonly queue?: RefreshQueue;
}

const REAL_MINUTE = 100;
const SILENT: LoggerService = { log: () => {}, error: () => {}, warn: () => {} };

/** The applications of one case, and its time. */
export class CaseWorld {
  readonly #clock = new ManualClock();
  readonly #prefix = `cases-${randomUUID()}`;
  readonly #apps: CaseApp[] = [];

  constructor(readonly environment: CaseEnvironment) {}

  /** Whether limits in time can be hit to the millisecond. */
  get exact(): boolean {
    return this.environment.time === 'manual';
  }

  /** A duration in the seconds of this world. */
  minutes(count: number): number {
    return (count * this.#minute) / 1_000;
  }

  /** Milliseconds on this world's clock; only differences have a meaning. */
  now(): number {
    return this.exact ? this.#clock.now() : performance.now();
  }

  async pass(minutes: number): Promise<void> {
    await this.passMs(minutes * this.#minute);
  }

  async passMs(ms: number): Promise<void> {
    if (this.exact) await this.#clock.advance(ms);
    else await sleep(ms);
  }

  /** Waits until everything that was requested is on its way. */
  async settle(): Promise<void> {
    if (this.exact) await this.#clock.advance(0);
    else await sleep(20);
  }

  /**
   * Waits until the assertion holds. Longer than five seconds, after which a BullMQ worker looks for work by itself.
   * The assertion may make reads that help it to hold.
   */
  async eventually(assertion: () => unknown): Promise<void> {
    const deadline = Date.now() + 10_000;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.settle();
        await assertion();
        return;
      } catch (error) {
        if (this.exact ? attempt === 3 : Date.now() >= deadline) throw error;
      }
    }
  }

  async open({ providers, options, queue }: AppParts): Promise<CaseApp> {
    const own = this.environment.options();
    const imports = [AsyncCacheModule.forRoot({ prefix: this.#prefix, ...own, ...options })];
    const replaces = queue !== undefined && own.connection !== undefined;
    const builder = Test.createTestingModule({
      imports: queue === undefined || replaces ? imports : [...imports, moduleOf(queue)],
      providers: [...providers],
    });
    if (this.exact) builder.overrideProvider(SystemClock).useValue(this.#clock);
    if (replaces) builder.overrideProvider(REFRESH_QUEUE).useValue(queue);
    const module = await builder.setLogger(SILENT).compile();
    const app = new CaseApp(module);
    this.#apps.push(app);
    await module.init();
    return app;
  }

  /** An application with one job, as most cases need it. */
  async job<Args extends readonly unknown[], Value>(
    fetch: (...args: Args) => Value | Promise<Value>,
    options: JobOptions<Args, Value> = {},
    parts: Omit<AppParts, 'providers'> = {},
  ): Promise<CaseApp & { job: CaseJob<Args, Value> }> {
    const JobClass = jobClass(fetch, options);
    const app = await this.open({ ...parts, providers: [JobClass] });
    return Object.assign(app, { job: app.get(JobClass) as unknown as CaseJob<Args, Value> });
  }

  async close(): Promise<void> {
    for (const app of this.#apps) await app.close();
  }

  get #minute(): number {
    return this.exact ? 60_000 : REAL_MINUTE;
  }
}

export class CaseApp {
  readonly cache: AsyncCache;
  readonly events: CacheEvent[] = [];

  constructor(readonly module: TestingModule) {
    this.cache = module.get(AsyncCache);
    this.cache.events$.subscribe((event) => this.events.push(event));
  }

  get<T>(type: Type<T>): T {
    return this.module.get(type);
  }

  of<Kind extends CacheEvent['type']>(type: Kind): Extract<CacheEvent, { type: Kind }>[] {
    return this.events.filter((event): event is Extract<CacheEvent, { type: Kind }> => event.type === type);
  }

  async close(): Promise<void> {
    await this.cache.clear().catch(() => undefined);
    await this.module.close();
  }
}

/** A job class as a test sees it: typed by its fetch. */
export interface CaseJob<Args extends readonly unknown[], Value> {
  get(...args: Args): Promise<Value>;
  read(...args: Args): Promise<{ value: Value; status: 'hit' | 'stale' | 'miss'; age: number; refreshing: boolean }>;
  peek(...args: Args): ReturnType<AsyncCacheJob['peek']>;
  set(args: Args, value: Value, options?: object): Promise<void>;
  refresh(...args: Args): Promise<Value>;
  invalidate(...args: Args): Promise<void>;
  delete(...args: Args): Promise<boolean>;
  getMany(argsList: readonly Args[]): Promise<Value[]>;
}

/** A job class named J, as a user would write it, with these options as attributes. */
export function jobClass<Args extends readonly unknown[], Value>(
  fetch: (...args: Args) => Value | Promise<Value>,
  options: JobOptions<Args, Value> = {},
): Type<AsyncCacheJob> {
  class J extends AsyncCacheJob {
    constructor() {
      super();
      Object.assign(this, options);
    }

    override async fetch(...args: never[]): Promise<unknown> {
      return fetch(...(args as unknown as Args));
    }
  }
  return J;
}

/** The job of django-cacheback's tests: its result names its argument, and its calls are counted. */
export function executed(): ((...args: unknown[]) => string) & { readonly calls: unknown[][] } {
  const calls: unknown[][] = [];
  const fetch = (...args: unknown[]): string => `JOB-EXECUTED:${args.map(String).join()} #${String(calls.push(args))}`;
  return Object.assign(fetch, { calls });
}

/** Asserts that something happens without waiting for a queue, a lease or a fetch. */
export async function atOnce<T>(world: CaseWorld, promise: Promise<T>): Promise<T> {
  const from = performance.now();
  const value = await promise;
  expect(performance.now() - from).toBeLessThan(world.exact ? 100 : 2_000);
  return value;
}

function moduleOf(queue: RefreshQueue): Type {
  @Global()
  @Module({ providers: [{ provide: REFRESH_QUEUE, useValue: queue }], exports: [REFRESH_QUEUE] })
  class QueueModule {}
  return QueueModule;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
