import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const REMEDY =
  'install redis-server (Debian: apt-get install redis-server, macOS: brew install redis) or set REDIS_URL';

export type RedisSource = { kind: 'binary'; path: string } | { kind: 'url'; url: string };

/** Finds a Redis for the run: a binary to start, else the server that REDIS_URL names, else Debian's package. */
export function ensureRedisServer(): RedisSource {
  const path = findRedisServer();
  if (path !== undefined) return { kind: 'binary', path };
  const url = process.env['REDIS_URL'];
  if (url !== undefined && url !== '') return { kind: 'url', url };
  if (isRootOnDebian()) installWithApt();
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
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, 'redis-server')).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isRootOnDebian(): boolean {
  return process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0;
}

function installWithApt(): void {
  console.log('Redis is missing: installing redis-server with apt-get …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]): void => void execFileSync('apt-get', ['-qq', ...args], { env, stdio: 'ignore' });
  try {
    apt('update');
    apt('install', '-y', '--no-install-recommends', 'redis-server');
  } catch {
    // The package also tries to start a system service, which fails where there is no service manager. Only the binary
    // matters.
  }
}
