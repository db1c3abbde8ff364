import { join } from 'node:path';
import { foldersOnPath, installDebianPackage, isExecutable } from './debian-package.js';

const REMEDY =
  'install redis-server (Debian: apt-get install redis-server, macOS: brew install redis) or set REDIS_URL';

export type RedisSource = { kind: 'binary'; path: string } | { kind: 'url'; url: string };

/** Finds a Redis for the run: a binary to start, else the server that REDIS_URL names, else Debian's package. */
export function ensureRedisServer(): RedisSource {
  const path = findRedisServer();
  if (path !== undefined) return { kind: 'binary', path };
  const url = process.env['REDIS_URL'];
  if (url !== undefined && url !== '') return { kind: 'url', url };
  installDebianPackage(['redis-server'], 'Redis');
  const installed = findRedisServer();
  if (installed === undefined) throw new Error(`No Redis to test with: ${REMEDY}.`);
  return { kind: 'binary', path: installed };
}

export function requireRedisBinary(): string {
  const path = findRedisServer();
  if (path === undefined)
    throw new Error('This test stops and freezes its own Redis, so REDIS_URL is not enough: install redis-server.');
  return path;
}

function findRedisServer(): string | undefined {
  return foldersOnPath()
    .map((folder) => join(folder, 'redis-server'))
    .find(isExecutable);
}
