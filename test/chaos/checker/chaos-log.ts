/** What happened in a run, as the parent process saw it. All instants are milliseconds of its monotonic clock. */
export interface ChaosLog {
  readonly bounds: Bounds;
  readonly fetches: readonly LoggedFetch[];
  readonly reads: readonly LoggedRead[];
  readonly changes: readonly LoggedChange[];
  readonly faults: readonly LoggedFault[];
  /** What each process read of each key at the end, when everything worked again and there had been time to recover. */
  readonly endings: readonly LoggedEnding[];
  /** Names in the two Redis servers that should have been removed when nobody read and no work was left. */
  readonly leftovers: { readonly leases: readonly string[]; readonly requests: readonly string[] };
  readonly endedAt: number;
}

/** What the jobs of the run promise, in milliseconds. */
export interface Bounds {
  readonly ttl: number;
  readonly grace: number;
  readonly lease: number;
  readonly refreshTimeout: number;
  readonly fetchTimeout: number;
  /**
   * Whether processes have copies. Reports of changes reach them within moments, and a process without a connection may
   * use its copies.
   */
  readonly near: boolean;
}

export interface LoggedFetch {
  readonly id: number;
  /** Job and key. */
  readonly key: string;
  readonly process: string;
  readonly startedAt: number;
  /** When the origin had answered or the caller was gone; undefined for never. */
  readonly endedAt?: number | undefined;
  readonly outcome?: 'answered' | 'failed' | 'gone' | undefined;
}

/** A read of a process that lived long enough to answer it. */
export interface LoggedRead {
  readonly process: string;
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly status?: 'hit' | 'stale' | 'miss' | undefined;
  readonly version?: number | undefined;
  /** The fetch that brought the value; 0 when it was set. */
  readonly fetch?: number | undefined;
  readonly error?: string | undefined;
}

/** A write to the origin, and what a process was then told to do about the cached value. */
export interface LoggedChange {
  readonly kind: 'set' | 'delete' | 'invalidate' | 'invalidateTag' | 'deleteTag';
  readonly process: string;
  readonly key: string;
  /** The version of the origin before the process was told. */
  readonly version: number;
  readonly start: number;
  /** When the change was acknowledged or refused; undefined for never. */
  readonly end?: number | undefined;
  readonly acknowledged: boolean;
}

export interface LoggedFault {
  readonly kind: 'killed' | 'frozen' | 'store down' | 'queue down' | 'origin down' | 'no workers';
  /** The process, where it is one. */
  readonly process?: string | undefined;
  readonly start: number;
  readonly end: number;
}

export interface LoggedEnding {
  readonly process: string;
  readonly key: string;
  readonly version: number | undefined;
  /** Of the origin. */
  readonly current: number;
}
