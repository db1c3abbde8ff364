import type { Entry } from '../entry.js';
import type { Arguments, Target } from '../policy/policy.js';
import type { Lease } from '../ports.js';

/** One fetch: its arguments, its lease, and what to do with its outcome. */
export interface Filling {
  readonly target: Target;
  readonly args: Arguments;
  readonly context: unknown;
  readonly key: string;
  readonly background: boolean;
  /** Undefined while the store cannot be reached; the value is then not stored. */
  readonly lease: Lease | undefined;
  /** Consecutive failures before this fetch. */
  readonly failures: number;
  readonly previous: () => Entry | undefined;
  /**
   * Whether a failure is kept in the entry. Not for a miss in the caller, after which the next reader may try at once.
   */
  readonly recordFailure: boolean;
}
