import { StoreError } from '../core/errors.js';
import type { CacheEvent } from '../core/events.js';
import { refusalBehind } from './refusal-behind.js';

/** Which causes of the present outage of each store have been reported. */
export class StoreOutages {
  readonly #told = new Map<string, Set<string>>();

  /**
   * False for an event that tells nothing new: a further failure of an outage that has been reported, for the same cause;
   * and the end of an outage that nobody was told of.
   */
  isNews(event: CacheEvent): boolean {
    if (event.type === 'store-recovered') return this.#told.delete(event.store);
    // Failures that concern a single entry come from no guarded store, and have no name of one.
    if (event.type !== 'store-failed' || !(event.error instanceof StoreError)) return true;
    const { store } = event.error;
    if (store === undefined) return true;
    const causes = this.#told.get(store) ?? new Set();
    this.#told.set(store, causes);
    const cause = refusalBehind(event.error) ?? 'unreachable';
    if (causes.has(cause)) return false;
    causes.add(cause);
    return true;
  }
}
