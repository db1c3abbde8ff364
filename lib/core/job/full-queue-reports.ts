import type { QueueFullError } from '../errors.js';
import type { Clock, Observer } from '../ports.js';

/** Milliseconds without a refusal after which a queue counts as having room again. */
const QUIET = 3_000;

/** Reports once that a queue is full, however many requests it refuses, and once that it takes requests again. */
export class FullQueueReports {
  #since: number | undefined;
  #lastRefusal = 0;

  constructor(
    private readonly clock: Clock,
    private readonly observer: Observer,
  ) {}

  /** `about` is one of the requests that were refused. */
  refused(error: QueueFullError, about: { readonly job: string; readonly key: string }): void {
    const now = this.clock.now();
    this.#lastRefusal = now;
    if (this.#since !== undefined) return;
    this.#since = now;
    this.observer.observe({ type: 'queue-failed', job: about.job, key: about.key, error });
  }

  accepted(): void {
    if (this.#since === undefined) return;
    const now = this.clock.now();
    if (now - this.#lastRefusal < QUIET) return;
    const duration = (now - this.#since) / 1_000;
    this.#since = undefined;
    this.observer.observe({ type: 'queue-recovered', job: '', key: '', duration });
  }
}
