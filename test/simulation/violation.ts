/** What must hold in every schedule, whatever goes wrong in it. */
export const INVARIANTS = {
  I1: 'a key has at most one lease at a time',
  I2: 'nothing is written under a lease that does not hold',
  I3: 'after an acknowledged change no read is told what was fetched before it: not as fresh, and not as a failure',
  I4: 'one fetch of a key at a time, while no lease is lost and the store answers',
  I5: 'one fetch for each staleness, one request for each of its states, and one more after invalidations during it',
  I6: 'once nothing goes wrong any more, what is read becomes fresh, and nothing stays behind',
  I7: 'no read fails or waits without reason, and each failure is reported once',
  I8: 'nobody tries again before the backoff is over',
  I9: 'a value is never younger or fresher than its fetch makes it',
} as const;

export type Invariant = keyof typeof INVARIANTS;

export interface Violation {
  readonly seed: number;
  readonly invariant: Invariant;
  readonly what: string;
  /** Every event that led to it, if a trace was asked for. */
  readonly trace: readonly string[];
}
