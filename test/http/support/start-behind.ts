import type { Agent } from 'node:http';
import type { TestContext } from 'vitest';
import type { Platform } from './create-app.js';
import { type CachedAnswer, type HttpCache, readThrough } from './http-cache.js';
import { type ProxiedApp, startProxiedApp } from './proxied-app.js';

/** The application of these tests, and reads of it through an HTTP cache. Both end with the test. */
export async function startBehind(
  startCache: (app: ProxiedApp) => Promise<HttpCache>,
  platform: Platform,
  onTestFinished: TestContext['onTestFinished'],
): Promise<{ readonly app: ProxiedApp; get(path: string, agent?: Agent): Promise<CachedAnswer> }> {
  const app = await startProxiedApp(platform);
  onTestFinished(() => app.close());
  const cache = await startCache(app);
  onTestFinished(() => cache.stop());
  return { app, get: (path, agent) => readThrough(cache, path, agent) };
}
