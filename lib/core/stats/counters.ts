import { Durations } from './distribution.js';
import type { JobStats } from './job-stats.js';

/** Counts of one job in this process, or of all jobs together. */
export class Counters {
  hits = 0;
  stale = 0;
  misses = 0;
  fetches = 0;
  inFlight = 0;
  stored = 0;
  fenced = 0;
  failures = 0;
  requested = 0;
  readonly refreshes = { stored: 0, skipped: 0, repeated: 0, failed: 0 };
  readonly fetchTime = new Durations();
  readonly queueWait = new Durations();
  readonly #staleAge = new Durations();
  #totalAge = 0;
  #greatestAge = 0;

  /** A hit costs two additions and a comparison, and no place in a histogram. `age` is in milliseconds. */
  served(status: 'hit' | 'stale', age: number): void {
    this.#totalAge += age;
    if (age > this.#greatestAge) this.#greatestAge = age;
    if (status === 'hit') {
      this.hits++;
    } else {
      this.stale++;
      this.#staleAge.record(age);
    }
  }

  snapshot(): Omit<JobStats, 'failing' | 'nextAttempt'> {
    const { hits, stale, misses, fetches, inFlight, stored, fenced, failures, requested } = this;
    const served = hits + stale;
    return {
      hits,
      stale,
      misses,
      age: { mean: served === 0 ? 0 : this.#totalAge / served / 1_000, max: this.#greatestAge / 1_000 },
      staleAge: this.#staleAge.snapshot(),
      fetches,
      inFlight,
      fetchTime: this.fetchTime.snapshot(),
      stored,
      fenced,
      failures,
      requested,
      refreshes: { ...this.refreshes },
      queueWait: this.queueWait.snapshot(),
    };
  }

  add(other: Counters): void {
    for (const name of SUMS) this[name] += other[name];
    for (const name of OUTCOMES) this.refreshes[name] += other.refreshes[name];
    this.fetchTime.add(other.fetchTime);
    this.queueWait.add(other.queueWait);
    this.#staleAge.add(other.#staleAge);
    this.#totalAge += other.#totalAge;
    this.#greatestAge = Math.max(this.#greatestAge, other.#greatestAge);
  }
}

const SUMS = [
  'hits',
  'stale',
  'misses',
  'fetches',
  'inFlight',
  'stored',
  'fenced',
  'failures',
  'requested',
] as const satisfies readonly (keyof Counters)[];

const OUTCOMES = ['stored', 'skipped', 'repeated', 'failed'] as const;
