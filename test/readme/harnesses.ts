import type { INestApplicationContext, Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { AsyncCache, type Job } from 'nestjs-async-cache';
import { expect } from 'vitest';
import { SystemClock } from '../../lib/memory/system-clock.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import type { Claims, Given } from './given.js';
import type { Project } from './project.js';

/** What the prose around a block assumes: the applications, the time, and what has happened before. */
export interface Harness {
  /** The blocks that are files, and that this one runs. */
  readonly files: readonly string[];
  /** Runs the snippet, if there is one, and looks at what its text promises beside its claims. */
  readonly run: (stage: Stage, snippet: (given: Partial<Given>) => Promise<void>) => Promise<void>;
}

const log = (): void => undefined;
const SILENT = { log, warn: log, error: log };

type Exports = Awaited<ReturnType<Project['load']>>;

/** Starts applications made of the README's files, and closes them. */
export class Stage {
  readonly #apps: INestApplicationContext[] = [];

  constructor(
    /** What the harness's files export, all together. */
    readonly exports: Exports,
    readonly project: Project,
  ) {}

  /** An application whose time stands still. */
  async start(module: unknown, ...providers: unknown[]): Promise<{ app: TestingModule; clock: ManualClock; later: Given['later'] }> {
    const clock = new ManualClock();
    // The README's reader adds them to the providers of the module.
    const builder = Test.createTestingModule({ imports: [{ module: module as Type, providers: providers as Type[] }] });
    const app = await this.#init(builder.overrideProvider(SystemClock).useValue(clock));
    return { app, clock, later: (ms) => clock.advance(ms) };
  }

  /** An application in the real time: a server's cannot be moved. */
  async startReal(module: unknown): Promise<TestingModule> {
    return this.#init(Test.createTestingModule({ imports: [module as never] }));
  }

  async close(): Promise<void> {
    for (const app of this.#apps.reverse()) await app.close();
  }

  async #init(builder: ReturnType<typeof Test.createTestingModule>): Promise<TestingModule> {
    const app = await builder.setLogger(SILENT).compile();
    await app.init();
    this.#apps.push(app);
    return app;
  }
}

export async function runHarness(harness: Harness, project: Project, text: string | undefined, claims: Claims): Promise<void> {
  const exports: Exports = {};
  for (const file of harness.files) Object.assign(exports, await project.load(file));
  for (const file of ['database.ts', 'tweets-api.ts', 'bank-api.ts', 'feeds-api.ts']) Object.assign(exports, await project.load(file));
  const stage = new Stage(exports, project);
  const snippet = text === undefined ? undefined : await project.loadSnippet(text);
  const { claim, claimThrows, atLeast } = claims;
  const nothing = (): never => {
    throw new Error('The harness of this block gives it nothing of that');
  };
  const missing = new Proxy({}, { get: nothing }) as INestApplicationContext;
  try {
    await harness.run(stage, async (given) => {
      await snippet?.run({ app: missing, web: missing, worker: missing, later: nothing, when: nothing, claim, claimThrows, atLeast, ...given });
      expect(claims.checked).toBe(snippet?.claims);
    });
  } finally {
    await stage.close();
  }
}

const APP = ['app.module.ts', 'report.service.ts'];

/** A snippet that needs the application of the first section, and some providers more. */
function withProviders(files: readonly string[] = [], ...names: string[]): Harness {
  return {
    files: [...APP, ...files],
    run: async (stage, snippet) => {
      const { AppModule, ...others } = stage.exports;
      await snippet(await stage.start(AppModule, ...names.map((name) => others[name])));
    },
  };
}

export const harnesses: Readonly<Record<string, Harness>> = {
  'cache-a-method': withProviders(),
  'profile.service.ts': {
    files: [...APP, 'profile.service.ts'],
    run: async (stage) => {
      const { AppModule, ProfileService } = stage.exports;
      const { app } = await stage.start(AppModule, ProfileService);
      expect(await app.get(ProfileService).profile(1)).toEqual({ id: 1, name: 'Ann' });
      const entry = await jobOf(app, ProfileService, 'profile').peek(1);
      const { tags, storedAt, freshUntil, staleUntil } = entry!;
      expect(tags).toEqual(['user:1']);
      const ttl = Number(freshUntil) - Number(storedAt);
      expect(ttl).toBeGreaterThanOrEqual(270_000);
      expect(ttl).toBeLessThanOrEqual(300_000);
      expect(Number(staleUntil) - Number(freshUntil)).toBe(86_400_000);
    },
  },
  'job-classes': withProviders(['user-tweets.ts'], 'UserTweets', 'TweetsApi'),
  reading: withProviders(['user-tweets.ts'], 'UserTweets', 'TweetsApi'),
  'reading-2': withProviders(),
  'after-a-write': withProviders(['price.service.ts'], 'PriceService'),
  'when-the-origin-fails': withProviders(['exchange-rates.ts'], 'ExchangeRates', 'BankApi'),
  'inside-a-fetch': withProviders(['feed.service.ts'], 'FeedService', 'FeedsApi'),
  tags: withProviders(['team.service.ts'], 'TeamService'),
  'many-at-once': withProviders(['product-prices.ts'], 'ProductPrices'),
  'keeping-warm': withProviders(['front-page-prices.ts'], 'FrontPagePrices'),
  'watching-it': withProviders(),
  'redis-and-workers': {
    files: ['report.service.ts', 'web.module.ts', 'worker.module.ts'],
    run: async (stage, snippet) => {
      const { WebModule, WorkerModule, ReportService } = stage.exports;
      const web = await stage.startReal(WebModule);
      const worker = await stage.startReal(WorkerModule);
      const reports = jobOf(web, ReportService, 'sales');
      await reports.delete('eu');
      const when = async (what: string): Promise<void> => {
        expect(what).toBe('when the worker has refreshed it');
        await expect.poll(async () => (await reports.peek('eu'))?.status, { timeout: 5_000 }).toBe('fresh');
      };
      await snippet({ web, worker, when });
    },
  },
  'two-servers.module.ts': {
    files: ['report.service.ts', 'two-servers.module.ts'],
    run: async (stage) => {
      const { TwoServersModule, ReportService } = stage.exports;
      const app = await stage.startReal(TwoServersModule);
      const reports = app.get(ReportService);
      await reports.sales('two servers');
      expect(await namesOn(process.env['CACHE_REDIS_URL'], `${stage.project.prefix}:e:*`)).toHaveLength(1);
      expect(await namesOn(process.env['CACHE_REDIS_URL'], `${stage.project.prefix}:queue:*`)).toEqual([]);
      expect(await namesOn(process.env['REDIS_URL'], `${stage.project.prefix}:queue:*`)).not.toEqual([]);
      expect(await namesOn(process.env['REDIS_URL'], `${stage.project.prefix}:e:*two servers*`)).toEqual([]);
    },
  },
  'cache-manager.module.ts': {
    files: ['report.service.ts', 'cache-manager.module.ts'],
    run: async (stage) => {
      const { CacheManagerModule, ReportService } = stage.exports;
      const app = await stage.startReal(CacheManagerModule);
      const job = jobOf(app, ReportService, 'sales');
      expect((await job.read('eu')).status).toBe('miss');
      expect((await job.read('eu')).status).toBe('hit');
      await job.invalidate('eu');
      expect((await job.read('eu')).status).toBe('stale');
    },
  },
  'configured.module.ts': {
    files: ['report.service.ts', 'configured.module.ts'],
    run: async (stage) => {
      const { ConfiguredModule, ReportService } = stage.exports;
      const app = await stage.startReal(ConfiguredModule);
      await app.get(ReportService).sales('configured');
      expect(await namesOn(process.env['REDIS_URL'], `${stage.project.prefix}:e:*configured*`)).toHaveLength(1);
    },
  },
  testing: { files: APP, run: async (_stage, snippet) => snippet({}) },
  'testing-2': { files: APP, run: async (_stage, snippet) => snippet({}) },
  'good-to-know': withProviders(['money.service.ts'], 'MoneyService'),
  'good-to-know-2': withProviders(['checked-tweets.ts'], 'CheckedTweets', 'TweetsApi'),
};

/** What a block exports has no type here. */
function jobOf(app: INestApplicationContext, owner: object, method: string): Job {
  return app.get(AsyncCache).of(owner as Type, method as never);
}

async function namesOn(url: string | undefined, pattern: string): Promise<string[]> {
  const redis = new Redis(url ?? '');
  try {
    return await redis.keys(pattern);
  } finally {
    redis.disconnect();
  }
}

/** What the blocks left behind on the Redis that the whole run shares. */
export async function removeNames(prefix: string): Promise<void> {
  for (const url of [process.env['REDIS_URL'], process.env['CACHE_REDIS_URL']]) {
    const names = await namesOn(url, `${prefix}:*`);
    const redis = new Redis(url ?? '');
    if (names.length > 0) await redis.unlink(...names);
    redis.disconnect();
  }
}
