import { randomUUID } from 'node:crypto';
import { AsyncCacheJob } from '../nest/async-cache-job.js';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { giveRuntime } from '../nest/runtime-of.js';

/** Takes a mark back: what it stood for has been invalidated. */
export type Withdraw = () => Promise<void>;

/** Milliseconds from the mark to its invalidation. With the time in the queue, an old value is a hit for 30 s at most. */
const DOUBT = 25_000;

/**
 * Invalidates what a process wrote that died between its commit and its invalidation. Before the commit, the tags are
 * put into the refresh queue as a request that is due later; after the invalidation it is withdrawn.
 */
export class DoubtfulWrites extends AsyncCacheJob {
  name = 'nestjs-async-cache.doubtful-writes';
  /** The entry only says that it has been done, and nobody reads it. */
  ttl = 1;
  grace = 0;
  context = false;
  queue = { attempts: 20 };
  /** One report for each outage of the queue. */
  #isReported = false;

  private constructor(private readonly runtime: AsyncCacheRuntime) {
    super();
    giveRuntime(this, runtime);
    runtime.jobOfInstance(this);
  }

  /** Those of an application. */
  static of(runtime: AsyncCacheRuntime): DoubtfulWrites {
    const known = ofRuntime.get(runtime) ?? new DoubtfulWrites(runtime);
    ofRuntime.set(runtime, known);
    return known;
  }

  key(id: string): string {
    return id;
  }

  /** Returns what it invalidated, in the place of a value. */
  async fetch(_id: string, tags: readonly string[]): Promise<readonly string[]> {
    await this.runtime.cache.invalidateTags(tags);
    return tags;
  }

  /**
   * Resolves when the queue has accepted the mark. Undefined where no queue outlives this process, and when the queue
   * cannot be reached, which must not keep a write from being committed.
   */
  async mark(tags: readonly string[]): Promise<Withdraw | undefined> {
    try {
      const withdraw = await this.runtime.cache.entrust(this.name, this, [randomUUID(), tags], DOUBT);
      this.#isReported = false;
      return withdraw && ((): Promise<void> => withdraw().catch(this.#report));
    } catch (error) {
      this.#report(error);
      return undefined;
    }
  }

  readonly #report = (error: unknown): void => {
    if (this.#isReported) return;
    this.#isReported = true;
    this.runtime.observer.observe({ type: 'queue-failed', job: this.name, key: '', error });
  };
}

/** Weak, so that an application that has ended leaves nothing. */
const ofRuntime = new WeakMap<AsyncCacheRuntime, DoubtfulWrites>();
