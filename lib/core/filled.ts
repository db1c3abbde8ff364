import type { ErrorDecision } from './policy.js';

/** What a fill came to, and when its fetch began, by the store's clock. */
export type Filled = FillOutcome & { readonly startedAt: number };

/**
 * `stored`    the value is in the store.
 * `unstored`  there is a value, and it is not in the store; `because` says why: the key was invalidated meanwhile
 *             (`revoked`), or something newer has happened to it (`lost`), or the store did not answer
 *             (`unreachable`), or it is not to be stored (`unwanted`).
 * `refused`   there is a value, and it cannot be stored; `value` is as `fetch` returned it.
 * `failed`    the fetch failed; `retryIn` is the backoff, `decision` what `onError` said.
 */
export type FillOutcome =
  | { readonly kind: 'stored'; readonly value: unknown; readonly copyOnRead: boolean }
  | {
      readonly kind: 'unstored';
      readonly value: unknown;
      readonly copyOnRead: boolean;
      readonly because: 'revoked' | 'lost' | 'unreachable' | 'unwanted';
    }
  | { readonly kind: 'refused'; readonly value: unknown; readonly error: unknown }
  | {
      readonly kind: 'failed';
      readonly error: unknown;
      readonly decision: ErrorDecision;
      readonly retryIn: number;
    };
