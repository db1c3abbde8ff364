/** How a read of `key` ended. Each read emits exactly one of these. `age` is in seconds. */
export type ReadEvent =
  | { readonly type: 'hit'; readonly job: string; readonly key: string; readonly age: number }
  | {
      readonly type: 'stale';
      readonly job: string;
      readonly key: string;
      readonly age: number;
      readonly refreshing: boolean;
    }
  | {
      readonly type: 'miss';
      readonly job: string;
      readonly key: string;
      /** False when `empty()` was returned. */
      readonly fetched: boolean;
      /** The error that the reader got in the place of a value. */
      readonly error?: unknown;
    };

/** What a fetch or a refresh did. Durations are in seconds. */
export type RefreshEvent =
  | { readonly type: 'refresh-requested'; readonly job: string; readonly key: string }
  | {
      readonly type: 'refresh-skipped';
      readonly job: string;
      readonly key: string;
      readonly reason: 'changed' | 'backoff';
    }
  | {
      readonly type: 'fetched';
      readonly job: string;
      readonly key: string;
      readonly background: boolean;
      readonly duration: number;
    }
  | {
      readonly type: 'stored';
      readonly job: string;
      readonly key: string;
      readonly background: boolean;
    }
  /** A fetched value was refused: the key was invalidated, set or deleted during the fetch, or the lease ran out. */
  | {
      readonly type: 'fenced';
      readonly job: string;
      readonly key: string;
      readonly background: boolean;
    };

/** A change that a caller asked for. */
export type WriteEvent = {
  /** What was changed: one entry, or every entry of the job. */
  readonly type: 'set' | 'invalidated' | 'deleted' | 'all-invalidated' | 'all-deleted';
  /** The job of the entry. */
  readonly job: string;
  /** For `all-invalidated` and `all-deleted`: the prefix that the keys of the job have in common. */
  readonly key: string;
};

/** Another application has workers under the same prefix. Told once, when this process starts. */
export type NeighbourEvent = {
  /** It is always this one. */
  readonly type: 'neighbour-found';
  /** Empty: it concerns no job. */
  readonly job: string;
  /** Empty. */
  readonly key: string;
  /** The name of this application. */
  readonly application: string;
  /** The name of the other one. */
  readonly neighbour: string;
  /** Where the other one's worker runs, as `host:pid`. */
  readonly at: string;
  /** The prefix that they share. */
  readonly prefix: string;
};

/** The refresh queue or a store works again after an outage that was reported as `queue-failed` or `store-failed`. */
export type RecoveryEvent =
  | {
      readonly type: 'queue-recovered';
      readonly job: string;
      readonly key: string;
      /** Seconds that the outage took. */
      readonly duration: number;
    }
  | {
      readonly type: 'store-recovered';
      readonly job: string;
      readonly key: string;
      /** `main`, or the name in `stores` of forRoot. */
      readonly store: string;
      /** Seconds that the outage took. */
      readonly duration: number;
    };

/**
 * A failure that reaches no caller as an exception. Each is emitted and logged once. `job` and `key` are empty where it
 * concerns none.
 */
export type FailureEvent =
  | {
      readonly type: 'refresh-failed';
      readonly job: string;
      readonly key: string;
      readonly error: unknown;
      /** Consecutive failures, this one included. */
      readonly failures: number;
      readonly retryAt: Date;
    }
  | {
      readonly type: 'store-failed';
      readonly job: string;
      readonly key: string;
      readonly operation: string;
      readonly error: unknown;
    }
  | {
      readonly type: 'queue-failed';
      readonly job: string;
      readonly key: string;
      readonly error: unknown;
    }
  | {
      readonly type: 'unknown-job';
      readonly job: string;
      readonly key: string;
      readonly error: unknown;
    }
  | {
      readonly type: 'value-refused';
      readonly job: string;
      readonly key: string;
      readonly error: unknown;
    }
  /** A method with `@Invalidates` or `@InvalidatesTags` succeeded, and what it should have invalidated was not. */
  | {
      readonly type: 'invalidation-failed';
      /** The job to be invalidated; empty for tags. */
      readonly job: string;
      readonly key: string;
      /** The method that wrote, as `Class.method`. */
      readonly writer: string;
      readonly error: unknown;
    }
  /** Stored bytes name a class that is not in `types`: its instances are read as plain objects. Told once per class. */
  | {
      readonly type: 'class-unknown';
      readonly job: string;
      readonly key: string;
      readonly className: string;
    }
  /** Instances of classes are stored as plain objects; told once per job. */
  | {
      readonly type: 'class-lost';
      readonly job: string;
      readonly key: string;
      readonly classNames: readonly string[];
    };

/** Every event that `events$` emits. */
export type CacheEvent = ReadEvent | RefreshEvent | WriteEvent | NeighbourEvent | RecoveryEvent | FailureEvent;
