/** Buckets for each doubling of a duration, so that a quantile is off by at most 9 %. */
const FINENESS = 4;
/** Seconds: the upper end of bucket 0. */
const FINEST = 0.000_1;
const LAST = 100;

/** Counts durations in buckets that grow with them, from 0.1 ms to 55 minutes. Counts of several processes can be added. */
export class DurationBuckets {
  readonly #counts = new Map<number, number>();

  /** In seconds. */
  add(duration: number): void {
    const bucket = duration <= FINEST ? 0 : Math.ceil(Math.log2(duration / FINEST) * FINENESS);
    this.addCount(Math.min(LAST, bucket), 1);
  }

  addCount(bucket: number, count: number): void {
    if (count > 0) this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
  }

  entries(): [bucket: number, count: number][] {
    return [...this.#counts];
  }

  /** Seconds that the given share of the durations did not exceed; undefined when there are none. */
  quantile(share: number): number | undefined {
    const sorted = this.entries().sort(([one], [other]) => one - other);
    const total = sorted.reduce((sum, [, count]) => sum + count, 0);
    let seen = 0;
    for (const [bucket, count] of sorted) {
      seen += count;
      if (seen >= total * share) return FINEST * 2 ** (bucket / FINENESS);
    }
    return undefined;
  }
}
