import type { Distribution } from './distribution.js';

/** The result of `stats()`, for one job or for all together. Durations are in seconds. */
export interface JobStats {
  /** Reads that returned a fresh value. */
  readonly hits: number;
  /** Reads that returned a stale value. */
  readonly stale: number;
  /** Reads that found nothing to serve. */
  readonly misses: number;
  /** How old the values were that hits and stale reads returned. */
  readonly age: { readonly mean: number; readonly max: number };
  /** How old the stale values were. */
  readonly staleAge: Distribution;
  /** Calls of `fetch`, in the caller and in the background. */
  readonly fetches: number;
  /** Those of them that are running now. */
  readonly inFlight: number;
  /** How long each took. */
  readonly fetchTime: Distribution;
  /** Values written by a fetch. */
  readonly stored: number;
  /** Fetched values that were refused because the key had been changed during the fetch. */
  readonly fenced: number;
  /** Fetches that failed. */
  readonly failures: number;
  /** Refresh requests that were sent to the queue. */
  readonly requested: number;
  /** How the refreshes ended that this process ran in the background. */
  readonly refreshes: RefreshCounts;
  /** From the request for a refresh, in whichever process, to the start of its fetch in this one. */
  readonly queueWait: Distribution;
  /** Keys whose last background refresh in this process failed, at most 1,000. */
  readonly failing: number;
  /** When the first of them may be tried again. */
  readonly nextAttempt?: Date;
}

/** How background refreshes ended. */
export interface RefreshCounts {
  /** The new value was stored. */
  readonly stored: number;
  /** There was nothing to do any more, or the value was not to be stored. */
  readonly skipped: number;
  /** The key was changed during the fetch, so it has to be fetched once more. */
  readonly repeated: number;
  /** The fetch failed, or its value could not be stored. */
  readonly failed: number;
}
