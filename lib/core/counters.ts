/** The result of `stats()`, for one job or for all together. */
export interface JobStats {
  /** Reads that returned a fresh value. */
  readonly hits: number;
  /** Reads that returned a stale value. */
  readonly stale: number;
  /** Reads that found nothing to serve. */
  readonly misses: number;
  /** Calls of `fetch`, in the caller and in the background. */
  readonly fetches: number;
  /** Values written by a fetch. */
  readonly stored: number;
  /** Fetched values that were refused because the key had been changed during the fetch. */
  readonly fenced: number;
  /** Fetches that failed. */
  readonly failures: number;
  /** Refresh requests that were sent to the queue. */
  readonly requested: number;
}

export class Counters implements JobStats {
  hits = 0;
  stale = 0;
  misses = 0;
  fetches = 0;
  stored = 0;
  fenced = 0;
  failures = 0;
  requested = 0;

  snapshot(): JobStats {
    const { hits, stale, misses, fetches, stored, fenced, failures, requested } = this;
    return { hits, stale, misses, fetches, stored, fenced, failures, requested };
  }

  add(other: JobStats): this {
    for (const name of Object.keys(this) as (keyof JobStats)[]) this[name] += other[name];
    return this;
  }
}
