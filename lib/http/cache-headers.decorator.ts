import { type CustomDecorator, SetMetadata } from '@nestjs/common';
import { toMilliseconds, type Duration } from '../core/policy/duration.js';
import { ConfigurationError } from '../core/errors.js';

/** What `@CacheHeaders` takes. */
export interface CacheHeadersOptions {
  /** Who may keep the response: the client alone, or caches on the way as well. *Default:* `'private'`. */
  scope?: 'private' | 'public';
  /** How long after its freshness a cache may answer with it while the application fails. *Default:* the grace that is left. */
  staleIfError?: Duration;
}

/** The options of a route or a controller, in seconds. */
export interface CacheHeadersSettings {
  readonly scope?: 'private' | 'public' | undefined;
  readonly staleIfError?: number | undefined;
}

export const CACHE_HEADERS = Symbol.for('nestjs-async-cache cache headers');

const SCOPES: readonly unknown[] = [undefined, 'private', 'public'];

/**
 * Sets what one route, or all routes of a controller, do differently from the defaults of `CacheHeadersInterceptor`.
 */
export function CacheHeaders({ scope, staleIfError }: CacheHeadersOptions = {}): CustomDecorator<symbol> {
  // JavaScript code may pass anything.
  if (!SCOPES.includes(scope)) {
    throw new ConfigurationError(`scope of @CacheHeaders is ${String(scope)}`, "It must be 'private' or 'public'");
  }
  const seconds =
    staleIfError === undefined
      ? undefined
      : Math.max(0, toMilliseconds(staleIfError, 'staleIfError', '@CacheHeaders') / 1_000);
  const settings: CacheHeadersSettings = { scope, staleIfError: seconds };
  return SetMetadata(CACHE_HEADERS, settings);
}
