import type { INestApplication, LoggerService, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { onTestFinished } from 'vitest';
import { AsyncCache, AsyncCacheModule, type AsyncCacheOptions } from 'nestjs-async-cache';
import { SystemClock } from '../../../lib/memory/system-clock.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';

export const MINUTE = 60_000;

/** The log lines of an application, by level. */
export class RecordingLogger implements LoggerService {
  readonly lines: { level: string; text: string; context: unknown }[] = [];
  log = (text: unknown, context?: unknown) => this.#write('log', text, context);
  warn = (text: unknown, context?: unknown) => this.#write('warn', text, context);
  error = (text: unknown, ...rest: unknown[]) => this.#write('error', text, rest.at(-1));
  fatal = (text: unknown) => this.#write('fatal', text, undefined);

  /** The lines of this package. */
  own(level: string): string[] {
    return this.lines.filter((line) => line.level === level && line.context === 'AsyncCache').map(({ text }) => text);
  }

  #write(level: string, text: unknown, context: unknown): void {
    this.lines.push({ level, text: String(text), context });
  }
}

export interface StartedApp {
  readonly app: TestingModule;
  readonly clock: ManualClock;
  readonly log: RecordingLogger;
  readonly cache: AsyncCache;
  /** Lets time pass, and runs whatever follows from it. */
  readonly pass: (ms: number) => Promise<void>;
}

export interface AppParts extends ModuleMetadata {
  /** Of `forRoot`. */
  options?: AsyncCacheOptions & { isGlobal?: boolean };
  /** *Default:* `AsyncCacheModule.forRoot(options)`. */
  cacheModule?: NonNullable<ModuleMetadata['imports']>[number];
}

/** An application that is not initialised yet. It is closed at the end of the test. */
export async function compileApp(parts: AppParts): Promise<Omit<StartedApp, 'cache'>> {
  const { options, cacheModule, imports = [], ...rest } = parts;
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const app = await Test.createTestingModule({
    imports: [cacheModule ?? AsyncCacheModule.forRoot(options), ...imports],
    ...rest,
  })
    .overrideProvider(SystemClock)
    .useValue(clock)
    .setLogger(log)
    .compile();
  return { app, clock, log, pass: (ms) => clock.advance(ms) };
}

/** An application with the cache and a clock that stands still. */
export async function startApp(parts: AppParts = {}): Promise<StartedApp> {
  const compiled = await compileApp(parts);
  await compiled.app.init();
  onTestFinished(() => compiled.app.close());
  return { ...compiled, cache: compiled.app.get(AsyncCache, { strict: false }) };
}

/** The same, listening for HTTP at `url`. */
export async function startHttpApp(parts: AppParts): Promise<StartedApp & { http: INestApplication; url: string }> {
  const compiled = await compileApp(parts);
  const http = compiled.app.createNestApplication();
  http.useLogger(compiled.log);
  await http.listen(0, '127.0.0.1');
  onTestFinished(() => http.close());
  return { ...compiled, http, url: await http.getUrl(), cache: http.get(AsyncCache, { strict: false }) };
}

/** The error with which the application refuses to start. */
export async function startFailure(parts: AppParts): Promise<Error> {
  try {
    const { app } = await compileApp(parts);
    await app.init();
    await app.close();
  } catch (error) {
    return error as Error;
  }
  throw new Error('The application started');
}
