import type { Attributes, Counter, Histogram, Meter, ObservableResult } from '@opentelemetry/api';
import type { CacheEvent } from '../core/events.js';
import type { StepEnding, TracedStep } from '../core/ports.js';

type Status = 'hit' | 'stale' | 'miss';

/** Of requests and fetches, as in the semantic conventions; a fetch may take a minute. */
const DURATIONS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** From a second to a day. */
const AGES = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];

/** The instruments, fed by events and by the endings of fetches. The key of an entry is never an attribute. */
export class Measurements {
  readonly #reads: Counter;
  readonly #age: Histogram;
  readonly #fetches: Counter;
  readonly #duration: Histogram;
  readonly #wait: Histogram;
  readonly #failures: Counter;
  /** Made once for each job, so that a read makes no objects. */
  readonly #readAttributes = new Map<string, Readonly<Record<Status, Attributes>>>();
  readonly #stopLooking: () => void;

  constructor(meter: Meter, backlogOf: () => Promise<number | undefined>) {
    const histogram = (name: string, description: string, explicitBucketBoundaries: number[]): Histogram =>
      meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries } });
    this.#reads = meter.createCounter('async_cache.reads', { description: 'Reads, by how they ended', unit: '{read}' });
    this.#age = histogram('async_cache.read.age', 'Age of the values that reads were given from the cache', AGES);
    this.#fetches = meter.createCounter('async_cache.fetches', {
      description: 'Calls of fetch, by what became of what they returned',
      unit: '{fetch}',
    });
    this.#duration = histogram('async_cache.fetch.duration', 'How long fetch took', DURATIONS);
    this.#wait = histogram('async_cache.refresh.wait', 'From the request for a refresh to its start', DURATIONS);
    this.#failures = meter.createCounter('async_cache.store.failures', {
      description: 'Operations of the store that failed',
      unit: '{operation}',
    });
    const backlog = meter.createObservableGauge('async_cache.queue.backlog', {
      description: 'Requests for refreshes that wait for a worker',
      unit: '{request}',
    });
    const look = async (result: ObservableResult): Promise<void> => {
      const waiting = await backlogOf();
      if (waiting !== undefined) result.observe(waiting);
    };
    backlog.addCallback(look);
    this.#stopLooking = (): void => {
      backlog.removeCallback(look);
    };
  }

  count(event: CacheEvent): void {
    if (event.type === 'hit' || event.type === 'stale') {
      const attributes = this.#attributesOf(event.job)[event.type];
      this.#reads.add(1, attributes);
      this.#age.record(event.age, attributes);
    } else if (event.type === 'miss') {
      this.#reads.add(1, this.#attributesOf(event.job).miss);
    } else if (event.type === 'fetched') {
      const { job, background, duration } = event;
      this.#duration.record(duration, { 'async_cache.job': job, 'async_cache.background': background });
    } else if (event.type === 'store-failed') {
      this.#failures.add(1, { 'async_cache.operation': event.operation });
    }
  }

  started(step: TracedStep): void {
    if (step.kind !== 'refresh' || step.wait === undefined) return;
    this.#wait.record(step.wait / 1_000, { 'async_cache.job': step.job });
  }

  ended(step: TracedStep, { outcome }: StepEnding): void {
    if (step.kind !== 'fetch') return;
    this.#fetches.add(1, {
      'async_cache.job': step.job,
      'async_cache.outcome': outcome,
      'async_cache.background': step.background,
    });
  }

  end(): void {
    this.#stopLooking();
  }

  #attributesOf(job: string): Readonly<Record<Status, Attributes>> {
    const known = this.#readAttributes.get(job);
    if (known !== undefined) return known;
    const of = (status: Status): Attributes => ({ 'async_cache.job': job, 'async_cache.status': status });
    const made = { hit: of('hit'), stale: of('stale'), miss: of('miss') };
    this.#readAttributes.set(job, made);
    return made;
  }
}
