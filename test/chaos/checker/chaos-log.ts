/** What happened in a run, as the parent process saw it. All instants are milliseconds of its monotonic clock. */
export interface ChaosLog {
  readonly bounds: Bounds;
  readonly fetches: readonly LoggedFetch[];
  readonly reads: readonly LoggedRead[];
  readonly changes: readonly LoggedChange[];
  readonly faults: readonly LoggedFault[];
  /** What each process read of each key at the end, when everything worked again and there was time to recover. */
  readonly endings: readonly LoggedEnding[];
  /** Names in the two Redis that should have been gone when nobody read and nothing was left to do. */
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
  /** Processes have copies: news reach them within moments, and a cut off one may use them. */
  readonly near: boolean;
}

export interface LoggedFetch {
  readonly id: number;
  /** Job and key. */
  readonly key: string;
  readonly process: string;
  readonly startedAt: number;
  /** When the origin had answered, or its caller was gone; undefined: never. */
  readonly endedAt?: number | undefined;
  readonly outcome?: 'answered' | 'failed' | 'gone' | undefined;
}

/** A read of a process that lived to answer it. */
export interface LoggedRead {
  readonly process: string;
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly status?: 'hit' | 'stale' | 'miss' | undefined;
  readonly version?: number | undefined;
  /** Which fetch brought the value; 0: it was set by hand. */
  readonly fetch?: number | undefined;
  readonly error?: string | undefined;
}

/** A write to the origin, and what a process was then asked to do about the cached value. */
export interface LoggedChange {
  readonly kind: 'set' | 'delete' | 'invalidate' | 'invalidateTag' | 'deleteTag';
  readonly process: string;
  readonly key: string;
  /** Of the origin, before the process was asked. */
  readonly version: number;
  readonly start: number;
  /** When it was acknowledged or refused; undefined: never. */
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
