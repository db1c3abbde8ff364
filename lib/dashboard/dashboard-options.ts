import type { IncomingHttpHeaders } from 'node:http';
import { ConfigurationError } from '../core/errors.js';
import type { Awaitable } from '../core/ports.js';

/** `none`: a 404. `read`: everything but values. `write`: values too, and refresh, invalidate and delete. */
export type DashboardAccess = 'none' | 'read' | 'write';

/** What the requests of Express and of Fastify have in common. */
export interface DashboardRequest {
  /** In capital letters. */
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Names in small letters. */
  readonly headers: IncomingHttpHeaders;
}

/** Options of `AsyncCacheDashboardModule.forRoot`. */
export interface AsyncCacheDashboardOptions<Request = DashboardRequest> {
  /** Where the page is, from the root of the server: no global prefix is added. *Default:* `'/async-cache'`. */
  path?: string;
  /**
   * Decides what a request may see and do, from the request of Express or Fastify. It is asked for each request, and a
   * page that stays open asks again every five minutes. When it throws, the answer is `none`. *Default:* none; then the
   * application starts only with `NODE_ENV` `development` or `test`, and everybody may read.
   */
  guard?: (request: Request) => Awaitable<DashboardAccess>;
}

/** The options after they have been checked. */
export interface CheckedDashboardOptions {
  readonly path: string;
  readonly guard: (request: DashboardRequest) => Awaitable<DashboardAccess>;
}

const OPEN_ENVIRONMENTS: readonly unknown[] = ['development', 'test'];
const SEGMENTS = /^(?:\/[\w~-][\w.~-]*)+$/;

/** Throws a {@link ConfigurationError} for a wrong path, and without a guard where strangers could come. */
export function checkDashboardOptions({
  path = '/async-cache',
  guard,
}: AsyncCacheDashboardOptions = {}): CheckedDashboardOptions {
  if (typeof path !== 'string' || !SEGMENTS.test(path)) {
    throw new ConfigurationError(
      `The dashboard has the path ${JSON.stringify(path)}`,
      "Give one like '/async-cache': segments of letters, digits, dots, - _ and ~, without a slash at the end",
    );
  }
  if (guard !== undefined && typeof guard !== 'function') {
    throw new ConfigurationError(
      'The guard of the dashboard is no function',
      "Give a function of the request that returns 'none', 'read' or 'write'",
    );
  }
  const environment = process.env['NODE_ENV'];
  if (guard === undefined && !OPEN_ENVIRONMENTS.includes(environment)) {
    throw new ConfigurationError(
      `The dashboard has no guard, and NODE_ENV is ${environment === undefined ? 'not set' : JSON.stringify(environment)}: anybody could open it`,
      "Give AsyncCacheDashboardModule.forRoot a guard: (request) => 'none' | 'read' | 'write'. Without one it starts only with NODE_ENV development or test",
    );
  }
  return { path, guard: guard ?? (() => 'read') };
}
