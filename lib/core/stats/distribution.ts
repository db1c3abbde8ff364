import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** How a number of durations is spread. Seconds; zeros while nothing was counted. Percentiles are right to 1 %. */
export interface Distribution {
  /** How many durations were counted. */
  readonly count: number;
  /** Their mean, in seconds. */
  readonly mean: number;
  /** Half of them were not longer, in seconds. */
  readonly p50: number;
  /** Nine in ten were not longer, in seconds. */
  readonly p90: number;
  /** 99 in a hundred were not longer, in seconds. */
  readonly p99: number;
  /** The longest, in seconds. */
  readonly max: number;
}

/** Durations are counted in tenths of a millisecond: a histogram holds whole numbers from 1 upwards. */
const UNITS_PER_MS = 10;
const LONGEST = 24 * 60 * 60 * 1_000 * UNITS_PER_MS;

const EMPTY: Distribution = Object.freeze({ count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 });

/** Counts durations. It takes 26 KB of memory from the first duration on, and one duration costs some 20 ns. */
export class Durations {
  #histogram: RecordableHistogram | undefined;

  record(milliseconds: number): void {
    const units = Math.round(milliseconds * UNITS_PER_MS);
    this.#made().record(Math.min(LONGEST, Math.max(1, units)));
  }

  add(other: Durations): void {
    if (other.#histogram !== undefined) this.#made().add(other.#histogram);
  }

  snapshot(): Distribution {
    const histogram = this.#histogram;
    if (histogram === undefined) return EMPTY;
    const seconds = (units: number): number => units / (UNITS_PER_MS * 1_000);
    return {
      count: histogram.count,
      mean: seconds(histogram.mean),
      p50: seconds(histogram.percentile(50)),
      p90: seconds(histogram.percentile(90)),
      p99: seconds(histogram.percentile(99)),
      max: seconds(histogram.max),
    };
  }

  #made(): RecordableHistogram {
    return (this.#histogram ??= createHistogram({ lowest: 1, highest: LONGEST, figures: 2 }));
  }
}
