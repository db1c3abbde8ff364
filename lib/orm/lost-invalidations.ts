import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { TagNames } from './tag-names.js';

/** Milliseconds between attempts. While the store does not answer, most of them do not ask it. */
const PAUSE = 1_000;
/** Beyond this many tags whole entities are invalidated, so that a long outage does not fill the memory. */
const MOST_TAGS = 1_000;

/**
 * Invalidations after a commit that the store did not take. They are repeated until it does: else what it still has, when
 * it was only frozen or out of reach, would be hits until their ttl. They are lost with the process.
 */
export class LostInvalidations {
  #tags = new Set<string>();
  #isWaiting = false;
  /** Weak, so that nothing is repeated for an application that has ended. */
  readonly #runtime: WeakRef<AsyncCacheRuntime>;

  constructor(runtime: AsyncCacheRuntime) {
    this.#runtime = new WeakRef(runtime);
  }

  add(tags: readonly string[]): void {
    for (const tag of tags) this.#tags.add(tag);
    if (this.#tags.size > MOST_TAGS) this.#tags = TagNames.ofWholeEntities(this.#tags);
    this.#wait();
  }

  #wait(): void {
    if (this.#isWaiting || this.#tags.size === 0) return;
    this.#isWaiting = true;
    setTimeout(() => void this.#repeat(), PAUSE).unref();
  }

  async #repeat(): Promise<void> {
    const tags = [...this.#tags];
    this.#tags.clear();
    this.#isWaiting = false;
    try {
      await this.#runtime.deref()?.cache.invalidateTags(tags);
    } catch {
      // It was reported when it failed first.
      this.add(tags);
    }
  }
}
