import { inspect } from 'node:util';
import { withoutCommands } from './without-commands.js';

/** Where an error happened, as far as it is known where it is thrown. */
export interface ErrorContext {
  readonly job?: string | undefined;
  readonly key?: string | undefined;
  readonly cause?: unknown;
}

/** Base class of every error that this package throws. The message says what happened, `remedy` what to do about it. */
export class AsyncCacheError extends Error {
  static {
    this.prototype.name = 'AsyncCacheError';
  }

  /** Identifies the kind of error, and does not change between releases. */
  readonly code: string = 'E_ASYNC_CACHE';
  /** What to do about it. */
  readonly remedy: string;
  /** Name of the job, where it is known. */
  declare readonly job?: string;
  /** The key, where it is known. */
  declare readonly key?: string;

  constructor(what: string, remedy: string, context: ErrorContext = {}) {
    super(`${what}. ${remedy}`, context.cause === undefined ? undefined : { cause: context.cause });
    this.remedy = remedy;
    if (context.job !== undefined) this.job = context.job;
    if (context.key !== undefined) this.key = context.key;
  }
}

/**
 * A wrong option, or a provider that cannot be cached as it is. Thrown at start-up, and by decorators where they
 * stand.
 */
export class ConfigurationError extends AsyncCacheError {
  static {
    this.prototype.name = 'ConfigurationError';
  }

  override readonly code = 'E_CONFIGURATION';
}

/** An argument cannot be a part of a key, or cannot travel to a worker. The call rejects with it. */
export class UnkeyableArgumentError extends AsyncCacheError {
  static {
    this.prototype.name = 'UnkeyableArgumentError';
  }

  override readonly code = 'E_UNKEYABLE_ARGUMENT';
  /** Position of the argument in the call, from 0. */
  readonly index: number;
  /** Place inside the argument: `$` is the argument itself. */
  readonly path: string;

  constructor(
    job: string,
    index: number,
    path: string,
    reason: string,
    cause?: unknown,
    purpose = 'part of a cache key',
  ) {
    const place = path === '$' ? '' : ` at ${path}`;
    super(
      `${job}: argument ${index + 1}${place} cannot be ${purpose}: ${reason}`,
      'Pass something with a stable identity (an id), or override key() or prepareArgs()',
      { job, cause },
    );
    this.index = index;
    this.path = path;
  }
}

/** A fetched value cannot be stored. The reader gets it uncached; the error is reported as `value-refused`. */
export class UnserializableValueError extends AsyncCacheError {
  static {
    this.prototype.name = 'UnserializableValueError';
  }

  override readonly code = 'E_UNSERIALIZABLE_VALUE';
  /** Place inside the value: `$` is the value itself. */
  readonly path: string;
  /** What the value has there that cannot be stored. */
  readonly reason: string;

  constructor(job: string, path: string, reason: string, cause?: unknown) {
    super(`${job}: the value cannot be cached, ${path} ${reason}`, 'Return plain data from fetch', { job, cause });
    this.path = path;
    this.reason = reason;
  }
}

/** A fetch did not end within `fetchTimeout`. A reader that waited for it rejects with this error. */
export class FetchTimeoutError extends AsyncCacheError {
  static {
    this.prototype.name = 'FetchTimeoutError';
  }

  override readonly code = 'E_FETCH_TIMEOUT';
  /** The deadline in milliseconds. */
  readonly timeoutMs: number;

  constructor(job: string, key: string, timeoutMs: number) {
    super(
      `${job}: the fetch of ${key} did not end within ${timeoutMs} ms`,
      'Raise fetchTimeout, or make the fetch stop on refreshContext().signal',
      { job, key },
    );
    this.timeoutMs = timeoutMs;
  }
}

/** The store failed. Reads go on without it and report it; `set`, `delete` and `invalidate` reject with it. */
export class StoreError extends AsyncCacheError {
  static {
    this.prototype.name = 'StoreError';
  }

  override readonly code: string = 'E_STORE';
  /** What was asked of the store. */
  readonly operation: string;
  /** Which of the application's stores: `main`, or its name in `stores` of forRoot. Undefined where nobody has said. */
  declare store?: string;

  constructor(
    operation: string,
    context: ErrorContext = {},
    what = `The store failed at ${operation}${because(withoutCommands(context.cause))}`,
    remedy = 'Reads go on without it; check that the store is up and reachable',
  ) {
    super(what, remedy, { ...context, cause: withoutCommands(context.cause) });
    this.operation = operation;
  }
}

/** The store did not answer within `storeTimeout`. The operation may have been done all the same. */
export class StoreTimeoutError extends StoreError {
  static {
    this.prototype.name = 'StoreTimeoutError';
  }

  override readonly code = 'E_STORE_TIMEOUT';
  /** The deadline in milliseconds. */
  readonly timeoutMs: number;

  constructor(operation: string, timeoutMs: number, context: ErrorContext = {}) {
    super(
      operation,
      context,
      `The store did not answer ${operation} within ${timeoutMs} ms`,
      'Reads go on without it; check the store, or raise storeTimeout',
    );
    this.timeoutMs = timeoutMs;
  }
}

/** The operation was not tried: the store has failed so often in a row that it is left alone for a moment. */
export class StoreSuspendedError extends StoreError {
  static {
    this.prototype.name = 'StoreSuspendedError';
  }

  override readonly code = 'E_STORE_SUSPENDED';

  constructor(operation: string, context: ErrorContext = {}) {
    super(operation, context, `The store is left alone after failures, so ${operation} was not tried`);
  }
}

/** The refresh queue failed. Refreshes run in this process meanwhile. */
export class QueueError extends AsyncCacheError {
  static {
    this.prototype.name = 'QueueError';
  }

  override readonly code = 'E_QUEUE';
  /** What was asked of the queue. */
  readonly operation: string;

  constructor(
    operation: string,
    context: ErrorContext = {},
    what = `The refresh queue failed at ${operation}${because(withoutCommands(context.cause))}`,
    remedy = 'Refreshes run in this process meanwhile; check the connection of the queue',
  ) {
    super(what, remedy, context);
    this.operation = operation;
  }
}

/** So many requests wait that the queue takes no more. Those that were refused are dropped. */
export class QueueFullError extends QueueError {
  constructor(most: number, context: ErrorContext = {}) {
    super(
      'request',
      context,
      `${String(most)} requests for refreshes wait, and further ones are dropped`,
      'Readers keep their stale values meanwhile; start workers, look for a client that invents arguments, or raise maxWaiting',
    );
  }
}

/** The queue takes no requests any more, because its application closes. They run in this process. */
export class QueueClosedError extends QueueError {
  constructor(context: ErrorContext) {
    super('request', { ...context, cause: new Error('it is closed') });
  }
}

/** Stored bytes cannot be read. The entry is reported, removed and counts as a miss. */
export class CorruptEntryError extends AsyncCacheError {
  static {
    this.prototype.name = 'CorruptEntryError';
  }

  override readonly code = 'E_CORRUPT_ENTRY';

  constructor(reason: string, context: ErrorContext = {}) {
    super(
      `A stored entry cannot be read: ${reason}`,
      'It counts as a miss; if it comes again, look for another application that writes under the same prefix',
      context,
    );
  }
}

/** A request names a job that this process does not have, or another `version` of it, as during a deploy. */
export class UnknownJobError extends AsyncCacheError {
  static {
    this.prototype.name = 'UnknownJobError';
  }

  override readonly code = 'E_UNKNOWN_JOB';

  /** `isOtherVersion`: a job of this name exists, and the key belongs to another `version` of it. */
  constructor(
    job: string,
    { isOtherVersion = false, ...context }: ErrorContext & { readonly isOtherVersion?: boolean } = {},
  ) {
    super(
      isOtherVersion ? `${job} has another \`version\` in this process` : `No job is registered under the name ${job}`,
      'Register its provider in this application, or wait for the deploy that does',
      { ...context, job },
    );
  }
}

/** The `capture` of forRoot's `context` threw or returned what cannot be a part of a key. The call rejects with it. */
export class ContextError extends AsyncCacheError {
  static {
    this.prototype.name = 'ContextError';
  }

  override readonly code = 'E_CONTEXT';

  constructor(job: string, cause: unknown) {
    super(
      `The context of ${job} cannot be captured: ${cause instanceof Error ? cause.message : String(cause)}`,
      "Return plain data from capture of forRoot's context, undefined where there is none; set context: false on a job whose values are the same in every context",
      { job, cause },
    );
  }
}

/** A read inside a fetch would wait for that same fetch. The read rejects at once. */
export class CircularReadError extends AsyncCacheError {
  static {
    this.prototype.name = 'CircularReadError';
  }

  override readonly code = 'E_CIRCULAR_READ';
  /** The keys from the one that is being read to the read of it. */
  readonly chain: readonly string[];

  constructor(job: string, key: string, chain: readonly string[]) {
    super(
      `${job}: a read would wait for itself: ${chain.join(' → ')}`,
      'Get that value from the origin, or move what both fetches need into a job of its own',
      { job, key },
    );
    this.chain = chain;
  }
}

/** `refreshContext()` was called where no fetch is running. */
export class NoRefreshContextError extends AsyncCacheError {
  static {
    this.prototype.name = 'NoRefreshContextError';
  }

  override readonly code = 'E_NO_REFRESH_CONTEXT';

  constructor() {
    super(
      'refreshContext() was called outside of a fetch',
      'Call it inside fetch or the decorated method, in the same asynchronous flow',
    );
  }
}

function because(cause: unknown): string {
  if (cause === undefined) return '';
  return `: ${cause instanceof Error ? cause.message : inspect(cause)}`;
}
