import type { Fill } from '../entry.js';
import type { ErrorDecision } from '../policy/policy.js';

/**
 * `stored` the value is in the store; with `isStale` it was invalidated meanwhile and replaced an older one. `unstored`
 * there is a value, and it is not in the store; `because` says why: the key was invalidated meanwhile
 *             (`revoked`), or set or deleted (`lost`), or the store did not answer (`unreachable`).
 * `unwanted` there is a value, and it must not be stored. `refused` there is a value, and it cannot be stored; `value`
 * is as `fetch` returned it. `failed` the fetch failed; `retryIn` is the backoff, `decision` what `onError` returned.
 *
 * `isChanged`: the key was invalidated, set or deleted during the fetch, or that is unknown.
 */
type FillOutcome =
  | { readonly kind: 'stored'; readonly made: Fill; readonly isStale: boolean }
  | {
      readonly kind: 'unstored';
      readonly made: Fill;
      readonly because: 'revoked' | 'lost' | 'unreachable';
    }
  | { readonly kind: 'unwanted'; readonly made: Fill; readonly isChanged: boolean }
  | { readonly kind: 'refused'; readonly value: unknown; readonly error: unknown; readonly isChanged: boolean }
  | {
      readonly kind: 'failed';
      readonly error: unknown;
      readonly decision: ErrorDecision;
      readonly retryIn: number;
      /** Tags of a remembered failure. */
      readonly tags: readonly string[];
      readonly isChanged: boolean;
    };

/** The outcome of a fill, and when its fetch began by the store's clock. */
export type Filled = FillOutcome & { readonly startedAt: number };

/**
 * True when the outcome must not be given to a reader that came while the fetch ran: an acknowledged change may be
 * newer than the outcome.
 */
export function isOutdated(filled: Filled): boolean {
  switch (filled.kind) {
    case 'stored':
      return filled.isStale;
    case 'unstored':
      return filled.because !== 'unreachable';
    case 'unwanted':
    case 'refused':
    case 'failed':
      return filled.isChanged;
  }
}
