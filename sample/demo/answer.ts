/** What a reader got, how it came, and how long it took. */
export interface Answer<Value = unknown> {
  readonly value: Value;
  readonly status: 'hit' | 'stale' | 'miss';
  /** Seconds. */
  readonly age: number;
  readonly milliseconds: number;
  /** The value was fetched at this moment or, since an answer takes its time, at most `milliseconds` later. */
  readonly fetchedSince: number;
}

/** Milliseconds. Ages are exact to some milliseconds, and two fetches of one report are seconds apart. */
const TOLERANCE = 300;

/** Whether it is certainly from a later fetch. */
export function isNewer(answer: Answer, old: Answer): boolean {
  return answer.fetchedSince > old.fetchedSince + old.milliseconds + TOLERANCE;
}
