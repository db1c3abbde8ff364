import type { CollectedRead } from '../core/job/read-collector.js';
import type { CacheHeadersSettings } from './cache-headers.decorator.js';

const CACHE_NAME = 'nestjs-async-cache';

/**
 * The headers that follow from the reads of a request; undefined when none do. Of all reads the oldest age, the
 * shortest freshness and the shortest grace count, in whole seconds.
 */
export function headersOf(
  reads: readonly CollectedRead[],
  { scope = 'private', staleIfError }: CacheHeadersSettings,
): Readonly<Record<string, string>> | undefined {
  if (reads.length === 0 || reads.some(({ failed }) => failed)) return undefined;
  const age = Math.floor(Math.max(...reads.map((read) => read.age)));
  const freshFor = Math.floor(Math.min(...reads.map((read) => read.freshFor)));
  const staleFor = Math.floor(Math.max(0, Math.min(...reads.map((read) => read.staleFor))));
  // HTTP counts freshness from the origin, and the response is `age` seconds old already.
  const directives = [
    scope,
    `max-age=${String(age + Math.max(0, freshFor))}`,
    `stale-while-revalidate=${String(staleFor)}`,
    `stale-if-error=${String(Math.floor(staleIfError ?? staleFor))}`,
  ];
  return {
    'Cache-Control': directives.join(', '),
    Age: String(age),
    'Cache-Status': `${CACHE_NAME}; ${handling(reads)}; ttl=${String(freshFor)}`,
  };
}

/** Given by the least good of the reads, in the terms of RFC 9211. */
function handling(reads: readonly CollectedRead[]): string {
  const misses = reads.filter(({ status }) => status === 'miss');
  if (misses.length === 0) return 'hit';
  return misses.every(({ stored }) => stored) ? 'fwd=miss; stored' : 'fwd=miss';
}
