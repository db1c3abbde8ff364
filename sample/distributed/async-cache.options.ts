import type { AsyncCacheOptions } from 'nestjs-async-cache';

const { hostname, port, username, password } = new URL(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');

/** What the web and the worker processes have in common. */
export const options = {
  connection: { host: hostname, port: Number(port || 6379), ...(password && { username, password }) },
  prefix: process.env['CACHE_PREFIX'] ?? 'cities',
} satisfies AsyncCacheOptions;
