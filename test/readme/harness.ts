import type { INestApplicationContext, Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { AsyncCache, type Job } from 'nestjs-async-cache';
import { expect } from 'vitest';
import { SystemClock } from '../../lib/memory/system-clock.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import type { Claims, Given } from './given.js';
import type { Project } from './project.js';

/** What the text around a block assumes: the applications, the time, and what has happened before. */
export interface Harness {
  /** The file blocks that this harness runs. */
  readonly files: readonly string[];
  /** Runs the snippet, if there is one, and checks what its page promises beside the claims. */
  readonly run: (stage: Stage, snippet: (given: Partial<Given>) => Promise<void>) => Promise<void>;
}

const log = (): void => undefined;
const SILENT = { log, warn: log, error: log };

type Exports = Awaited<ReturnType<Project['load']>>;

/** Starts applications made of the pages' files, and closes them. */
export class Stage {
  readonly #apps: INestApplicationContext[] = [];

  constructor(
    /** Everything that the harness's files export. */
    readonly exports: Exports,
    readonly project: Project,
  ) {}

  /** An application whose time stands still. */
  async start(
    module: unknown,
    ...providers: unknown[]
  ): Promise<{ app: TestingModule; clock: ManualClock; later: Given['later'] }> {
    const clock = new ManualClock();
    // The reader of the page adds them to the providers of the module.
    const builder = Test.createTestingModule({ imports: [{ module: module as Type, providers: providers as Type[] }] });
    const app = await this.#init(builder.overrideProvider(SystemClock).useValue(clock));
    return { app, clock, later: (ms) => clock.advance(ms) };
  }

  /** An application in real time, because a server's time cannot be moved. */
  async startReal(module: unknown): Promise<TestingModule> {
    return this.#init(Test.createTestingModule({ imports: [module as never] }));
  }

  /** The address of an application with a controller more, or with modules beside it. */
  async startHttp(module: unknown, controller: unknown, ...modules: unknown[]): Promise<string> {
    const controllers = controller === undefined ? [] : [controller as Type];
    const own = { module: module as Type, controllers };
    const testing = await Test.createTestingModule({ imports: [own, ...(modules as Type[])] })
      .setLogger(SILENT)
      .compile();
    const app = testing.createNestApplication();
    await app.listen(0, '127.0.0.1');
    this.#apps.push(app);
    return app.getUrl();
  }

  async close(): Promise<void> {
    for (const app of this.#apps.splice(0).reverse()) await app.close();
  }

  async #init(builder: ReturnType<typeof Test.createTestingModule>): Promise<TestingModule> {
    const app = await builder.setLogger(SILENT).compile();
    await app.init();
    this.#apps.push(app);
    return app;
  }
}

export async function runHarness(
  harness: Harness,
  project: Project,
  text: string | undefined,
  claims: Claims,
): Promise<void> {
  const exports: Exports = {};
  for (const file of [...project.given, ...harness.files]) Object.assign(exports, await project.load(file));
  const stage = new Stage(exports, project);
  const snippet = text === undefined ? undefined : await project.loadSnippet(text);
  const { claim, claimThrows, atLeast } = claims;
  const nothing = (): never => {
    throw new Error('The harness of this block gives it nothing of that');
  };
  const missing = new Proxy({}, { get: nothing }) as INestApplicationContext;
  try {
    await harness.run(stage, async (given) => {
      await snippet?.run({
        app: missing,
        web: missing,
        worker: missing,
        later: nothing,
        when: nothing,
        claim,
        claimThrows,
        atLeast,
        ...given,
      });
      expect(claims.checked).toBe(snippet?.claims);
    });
  } finally {
    await stage.close();
  }
}

/** The exports of a block have no types here. */
export function jobOf(app: INestApplicationContext, owner: object, method: string): Job {
  return app.get(AsyncCache).of(owner as Type, method as never);
}

export async function namesOn(url: string | undefined, pattern: string): Promise<string[]> {
  const redis = new Redis(url ?? '');
  try {
    return await redis.keys(pattern);
  } finally {
    redis.disconnect();
  }
}

/** Removes what the blocks left on the Redis that the whole run shares. */
export async function removeNames(prefix: string): Promise<void> {
  for (const url of [process.env['REDIS_URL'], process.env['CACHE_REDIS_URL']]) {
    const names = await namesOn(url, `${prefix}:*`);
    const redis = new Redis(url ?? '');
    if (names.length > 0) await redis.unlink(...names);
    redis.disconnect();
  }
}
