import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
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
  // Where packages were installed without their scripts.
  execFileSync(process.execPath, [fileURLToPath(new URL('generate-prisma-clients.mjs', import.meta.url))]);
  const source = ensureRedisServer();
  if (source.kind === 'url') {
    project.provide('redisUrl', source.url);
    return undefined;
  }
  const redis = await startRedis();
  project.provide('redisUrl', redis.url);
  return () => redis.stop();
}
