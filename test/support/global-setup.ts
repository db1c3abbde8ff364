import type { TestProject } from 'vitest/node';
import { ensureRedisServer } from './ensure-redis-server.js';
import { startRedis } from './redis-server.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A Redis shared by the whole run: use a prefix of your own, and never flush it. */
    redisUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const source = ensureRedisServer();
  if (source.kind === 'url') {
    project.provide('redisUrl', source.url);
    return undefined;
  }
  const redis = await startRedis();
  project.provide('redisUrl', redis.url);
  return () => redis.stop();
}
