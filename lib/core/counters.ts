/** What `stats()` tells, of one job or of all together. */
export interface JobStats {
  /** Reads that were given a fresh value. */
  readonly hits: number;
  /** Reads that were given a stale value. */
  readonly stale: number;
  /** Reads that met nothing to serve. */
  readonly misses: number;
  /** Calls of `fetch`, in the caller and in the background. */
  readonly fetches: number;
  /** Values written by a fetch. */
  readonly stored: number;
  /** Fetched values that were refused: something newer had happened to the key. */
  readonly fenced: number;
  /** Fetches that failed. */
  readonly failures: number;
  /** Requests for a refresh that went to the queue. */
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
