import type { CacheEvent } from '../core/events.js';

export interface DescribedFailure {
  readonly level: 'error' | 'warn';
  readonly text: string;
  readonly stack?: string | undefined;
}

/** The log line of a failure that no caller is told of by an exception; undefined for events that are none. */
export function describeFailure(event: CacheEvent): DescribedFailure | undefined {
  switch (event.type) {
    case 'refresh-failed':
      return {
        level: 'error',
        text: `Refresh of ${event.key} failed (${inARow(event.failures)}), next attempt not before ${event.retryAt.toISOString()}: ${messageOf(event.error)}`,
        stack: stackOf(event.error),
      };
    case 'store-failed':
    case 'queue-failed':
      // What concerns no one key, as a lost connection, has none.
      return { level: 'warn', text: `${event.key === '' ? '' : `${event.key}: `}${messageOf(event.error)}` };
    case 'unknown-job':
      return { level: 'warn', text: `Refresh of ${event.key} is put off: ${messageOf(event.error)}` };
    case 'value-refused':
      return { level: 'error', text: `${event.key} is not stored: ${messageOf(event.error)}` };
    case 'class-lost':
      return {
        level: 'warn',
        text: `${event.job} returned instances of ${event.classNames.join(', ')}: they are cached as plain objects. Build them again in processResult if you need their methods`,
      };
    case 'hit':
    case 'stale':
    case 'miss':
    case 'refresh-requested':
    case 'refresh-skipped':
    case 'fetched':
    case 'stored':
    case 'fenced':
    case 'set':
    case 'invalidated':
    case 'deleted':
      return undefined;
  }
}

function inARow(failures: number): string {
  return failures === 1 ? 'first failure' : `${String(failures)} failures in a row`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
