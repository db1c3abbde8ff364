import type { Duration } from '../policy/duration.js';

/** The wishes of a fetch for one value. */
export interface FetchWishes {
  ttl?: Duration;
  tags?: readonly string[];
  skipped: boolean;
}

/** Finds the wishes for the value of some arguments. Throws when it must be told of which value and is not. */
export type WishesOf = (call: 'setTtl' | 'setTags' | 'skip', args?: readonly unknown[]) => FetchWishes;

export function noWishes(): FetchWishes {
  return { skipped: false };
}
