import type { Duration } from './duration.js';
import type { ValueTypeOption } from '../value/value-types.js';

/**
 * The options of a job: attributes (or methods) of an `AsyncCacheJob`, options of `@AsyncCached`, or `defaults` of
 * `forRoot`; the nearest one wins. Functions are called with the job, or the instance of the decorated method, as
 * `this`.
 *
 * A class may say `implements JobOptions<[username: string], Tweet[]>` to have its attributes checked by the compiler.
 */
export interface JobOptions<Args extends readonly unknown[] = readonly unknown[], Value = unknown> {
  /** Name of the job in keys, logs and the queue. *Default:* `Class` or `Class.method`. */
  name?: string;
  /** How long a value is fresh. *Default:* 600 s. */
  ttl?: Duration | ((value: Value, ...args: Args) => Duration);
  /** How long past `ttl` a stale value is kept and may be served; 0 = never serve stale. *Default:* `'1d'`. */
  grace?: Duration | ((value: Value, ...args: Args) => Duration);
  /** On a miss, fetch in the caller; false: return `empty(...args)` at once and refresh in the background. *Default:* true. */
  fetchOnMiss?: boolean | ((...args: Args) => boolean);
  /** What a miss returns when `fetchOnMiss` is false. *Default:* null. */
  empty?: (...args: Args) => unknown;
  /**
   * A stale value older than this is fetched in the caller; if that fails and `grace` is not over, the stale value is
   * served. *Default:* none.
   */
  fetchOnStaleThreshold?: Duration | ((...args: Args) => Duration);
  /**
   * How long a requested refresh may take, the wait in the queue included, before it counts as lost and is requested
   * again. *Default:* 60 s.
   */
  refreshTimeout?: Duration;
  /** Hard deadline of one fetch; its `AbortSignal` fires then. *Default:* `refreshTimeout`. */
  fetchTimeout?: Duration;
  /**
   * After a failed refresh no process tries again for `initial`, then `initial × factor`, and so on up to `max`.
   * *Default:* `{ initial: 1, factor: 2, max: '5m' }`.
   */
  backoff?: Backoff;
  /** Decides what a failed fetch means. *Default:* `'stale'`. */
  onError?: (error: unknown, ...args: Args) => OnError;
  /** Shortens each ttl by a random part of up to this fraction, so that entries do not expire together. *Default:* 0. */
  jitter?: number;
  /** Fraction of `ttl` after which a read of a fresh value already requests a refresh. *Default:* off. */
  refreshAhead?: number;
  /** Makes the key, which must be unique within the job. *Default:* the arguments in a canonical, typed text. */
  key?: (...args: Args) => string;
  /** Arguments to use instead of those given, in the key, in `fetch` and everywhere else. */
  prepareArgs?: (...args: Args) => readonly unknown[];
  /** Part of the key: after a change of it, values stored before are misses. *Default:* none. */
  version?: string | number;
  /** Names under which `invalidateTags` and `deleteTags` find the entry. *Default:* none. */
  tags?: readonly string[] | ((value: Value, ...args: Args) => readonly string[]);
  /** False: the value is returned and not stored. *Default:* always. */
  cacheIf?: (value: Value, ...args: Args) => boolean;
  /** The last step of every read. Also the place to build class instances again. *Default:* the value. */
  processResult?: (value: Value, read: ProcessedRead<Args>) => unknown;
  /** How many keys one call of `fetchMany` gets at most. *Default:* 100. */
  batchSize?: number;
  /** Options of the refresh requests in the queue. *Default:* `{}`. */
  queue?: QueueOptions;
  /**
   * Refreshes these lists of arguments at every period (`every`), or at the times of a cron pattern (`pattern`, and `tz`
   * for its time zone), whether or not they are read, by one process of the cluster. *Default:* off.
   */
  refreshEvery?: RefreshEvery<Args>;
  /** Lists of arguments that are fetched, unless they are fresh, when the application starts. *Default:* off. */
  warmOnStart?: ArgumentLists<Args>;
  /** Name of one of `forRoot`'s `stores`. *Default:* the default store. */
  store?: string;
  /**
   * Readers share one frozen value. False: each gets a copy of its own, which it may change (sort, push, assign). A copy
   * costs about as much as `structuredClone`. *Default:* true.
   */
  readOnly?: boolean;
  /**
   * The entry depends on the cached values that its fetch read: its `age` counts from the oldest of them, their tags
   * invalidate it as well, and a background refresh waits for new ones in place of stale ones. *Default:* true.
   */
  nested?: boolean;
  /** False: the values are the same in every context, so `context` of `forRoot` is no part of the keys. *Default:* true. */
  context?: boolean;
  /** Classes whose instances survive in this job's values and arguments, beside those of `forRoot`. *Default:* none. */
  types?: readonly ValueTypeOption[];
}

/** How long no process tries again after a failed refresh. */
export interface Backoff {
  /** *Default:* 1 s. */
  initial?: Duration;
  /** *Default:* 2. */
  factor?: number;
  /** *Default:* `'5m'`. */
  max?: Duration;
}

/** A list of arguments for each key, or a function that returns one, called with the job as `this`. */
export type ArgumentLists<Args extends readonly unknown[]> =
  readonly Args[] | (() => readonly Args[] | Promise<readonly Args[]>);

/** When and for which arguments `refreshEvery` refreshes: at a period, or at the times of a cron pattern. */
export type RefreshEvery<Args extends readonly unknown[] = readonly unknown[]> = {
  /** *Default:* the one key of a job without arguments. */
  args?: ArgumentLists<Args>;
} & (
  | { every: Duration; pattern?: undefined; tz?: undefined }
  | {
      every?: undefined;
      /** A cron pattern, with five fields or six (seconds first): `'0 3 * * *'` is three at night. */
      pattern: string;
      /** Name of the pattern's time zone, such as `'Europe/Vienna'`. *Default:* that of the process. */
      tz?: string | undefined;
    }
);

/** How the refreshes of a job are queued, in BullMQ or in the process. */
export interface QueueOptions {
  /** 1 is the most urgent; refreshes without a priority come before all that have one. *Default:* none. */
  priority?: number;
  /** How often one request is tried, `backoff` apart. *Default:* 1, since the next stale read requests again. */
  attempts?: number;
  /** Wait before the refresh may start. *Default:* 0. */
  delay?: Duration;
}

/**
 * `'stale'` keep serving the old value. `'delete'` the origin says that it is gone: remove the value. `{ ttl }`
 * remember the failure and give it to readers for that long, without asking the origin.
 */
export type OnError = 'stale' | 'delete' | { ttl: Duration };

/** How a read came about, as passed to `processResult`. */
export interface ProcessedRead<Args extends readonly unknown[] = readonly unknown[]> {
  /** The key that was read. */
  readonly key: string;
  /** The arguments of the call, after `prepareArgs`. */
  readonly args: Args;
  /** What the read found: a fresh value, a stale one that was served, or nothing to serve. */
  readonly status: 'hit' | 'stale' | 'miss';
  /** Seconds since the start of the fetch that got the value. */
  readonly age: number;
  /** Whether a newer value has been requested. */
  readonly refreshing: boolean;
  /** Whether this read waited for a fetch. */
  readonly fetched: boolean;
}

/** The name of every option: those looked up on a job class, and those that an options object may have. */
export const OPTION_NAMES = [
  'name',
  'ttl',
  'grace',
  'fetchOnMiss',
  'empty',
  'fetchOnStaleThreshold',
  'refreshTimeout',
  'fetchTimeout',
  'backoff',
  'onError',
  'jitter',
  'refreshAhead',
  'key',
  'prepareArgs',
  'version',
  'tags',
  'cacheIf',
  'processResult',
  'batchSize',
  'queue',
  'refreshEvery',
  'warmOnStart',
  'store',
  'readOnly',
  'nested',
  'context',
  'types',
] as const satisfies readonly (keyof JobOptions)[];
