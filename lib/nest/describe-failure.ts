import { shortMessage } from '../core/entry.js';
import type { CacheEvent } from '../core/events.js';

export interface DescribedFailure {
  readonly level: 'error' | 'warn' | 'log';
  readonly text: string;
  readonly stack?: string | undefined;
}

/** The log line of a failure that reaches no caller as an exception; undefined for other events. */
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
      // A failure that concerns no single key, such as a lost connection, has an empty key.
      return { level: 'warn', text: `${event.key === '' ? '' : `${event.key}: `}${messageOf(event.error)}` };
    case 'store-recovered':
      return {
        level: 'log',
        text: `The store${event.store === 'main' ? '' : ` '${event.store}'`} works again after ${event.duration.toFixed(1)} s`,
      };
    case 'queue-recovered':
      return { level: 'log', text: `The refresh queue works again after ${event.duration.toFixed(1)} s` };
    case 'neighbour-found':
      return {
        level: 'warn',
        text: `The application ${JSON.stringify(event.neighbour)} (${event.at}) uses the prefix ${JSON.stringify(event.prefix)} on this Redis, and so does this one, ${JSON.stringify(event.application)}: each takes the other's refreshes, and jobs of one name share their values. Give forRoot of one of them a prefix of its own; if they are one application, give both the same name`,
      };
    case 'unknown-job':
      return { level: 'warn', text: `Refresh of ${event.key} is put off: ${messageOf(event.error)}` };
    case 'value-refused':
      return { level: 'error', text: `${event.key} is not stored: ${messageOf(event.error)}` };
    case 'invalidation-failed':
      return {
        level: 'error',
        text: `${event.writer} succeeded, but ${event.job === '' ? 'its tags were' : `${event.job} was`} not invalidated, so readers may get what was before it until the ttl is over: ${messageOf(event.error)}`,
        stack: stackOf(event.error),
      };
    case 'class-lost':
      return {
        level: 'warn',
        text: `${event.job} returned instances of ${event.classNames.join(', ')}: they are cached as plain objects, without methods, getters and what decorators say of them. To keep them write types: [${event.classNames.join(', ')}] in the options of ${event.job} or of forRoot; a class that its members do not make whole takes { type, serialize, deserialize }`,
      };
    case 'class-unknown':
      return {
        level: 'warn',
        text: `Stored values name a class ${JSON.stringify(event.className)} that is not registered here: they are read as plain objects. Name it in types of forRoot, or change the version of the jobs that had it`,
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
    case 'all-invalidated':
    case 'all-deleted':
      return undefined;
  }
}

function inARow(failures: number): string {
  return failures === 1 ? 'first failure' : `${String(failures)} failures in a row`;
}

/** Anything can be thrown, and a message may be as long as a response. */
function messageOf(error: unknown): string {
  try {
    return shortMessage(String(error instanceof Error ? error.message : error));
  } catch {
    return 'something was thrown that has no text';
  }
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error && typeof error.stack === 'string' ? shortMessage(error.stack) : undefined;
}
