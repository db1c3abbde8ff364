/** How a read ended. Exactly one of these is told for each read. */
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
      /** False: `empty()` was returned. */
      readonly fetched: boolean;
      /** What the reader was given instead of a value. */
      readonly error?: unknown;
    };

/** What a fill or a refresh did. Durations are seconds. */
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

/** What a caller asked for by hand. */
export type WriteEvent = {
  readonly type: 'set' | 'invalidated' | 'deleted';
  readonly job: string;
  readonly key: string;
};

/** A failure that no caller is told of by an exception. Each is told, and logged, once. */
export type FailureEvent =
  | {
      readonly type: 'refresh-failed';
      readonly job: string;
      readonly key: string;
      readonly error: unknown;
      /** In a row, with this one. */
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
  /** Instances of classes came back as plain objects; told once per job. */
  | {
      readonly type: 'class-lost';
      readonly job: string;
      readonly key: string;
      readonly classNames: readonly string[];
    };

/** Everything that `events$` tells. */
export type CacheEvent = ReadEvent | RefreshEvent | WriteEvent | FailureEvent;
