import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Subscription } from 'rxjs';
import type { CacheEvent } from '../core/events.js';
import type { AsyncCacheRuntime } from './async-cache-runtime.js';
import { describeFailure } from './describe-failure.js';
import { DurationBuckets } from './duration-buckets.js';
import type { EventObserver } from './event-observer.js';
import { COUNTED, type ProcessReport, type ReportedEvent } from './process-report.js';

/** Events that are kept for the next report. Older ones are left out of it. */
const MOST_EVENTS = 50;
const LONGEST_TEXT = 300;
/** Reads are counted. As single events there are too many of them. */
const READS: ReadonlySet<CacheEvent['type']> = new Set(['hit', 'stale', 'miss']);

/** Watches this process while somebody looks. Until then it costs nothing, since events without a listener are not made. */
export class ProcessWatch {
  readonly #id = randomBytes(6).toString('base64url');
  readonly #startedAt = Date.now() - process.uptime() * 1_000;
  #durations = new DurationBuckets();
  #events: ReportedEvent[] = [];
  #serial = 0;
  #subscription: Subscription | undefined;

  constructor(
    private readonly runtime: AsyncCacheRuntime,
    private readonly observer: EventObserver,
    private readonly works: boolean,
  ) {}

  get id(): string {
    return this.#id;
  }

  /** Does nothing when it is on already. */
  start(): void {
    this.#subscription ??= this.observer.events$.subscribe((event) => {
      this.#met(event);
    });
  }

  stop(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#durations = new DurationBuckets();
    this.#events = [];
  }

  report(): ProcessReport {
    const jobs: Record<string, number[]> = {};
    let waits = 0;
    let waited = 0;
    // The counters themselves, since stats() works out percentiles that no report has a use for.
    for (const { name, core } of this.runtime.cache.jobs()) {
      const { counters } = core;
      const numbers = COUNTED.map((counted) => counters[counted]);
      if (numbers.some((number) => number > 0)) jobs[name] = numbers;
      const { count, mean } = counters.queueWait.snapshot();
      waits += count;
      waited += count * mean;
    }
    return {
      id: this.#id,
      host: hostname(),
      pid: process.pid,
      works: this.works,
      startedAt: this.#startedAt,
      uptime: process.uptime(),
      memory: process.memoryUsage.rss(),
      jobs,
      waits,
      waited,
      durations: this.#durations.entries(),
      events: this.#events,
    };
  }

  #met(event: CacheEvent): void {
    if (event.type === 'fetched') this.#durations.add(event.duration);
    if (READS.has(event.type)) return;
    this.#serial++;
    const text = describeFailure(event)?.text ?? '';
    const { type, job, key } = event;
    const reported = { serial: this.#serial, at: Date.now(), type, job, key, text: text.slice(0, LONGEST_TEXT) };
    this.#events = [...this.#events.slice(1 - MOST_EVENTS), reported];
  }
}
