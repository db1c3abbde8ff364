import { channel } from 'node:diagnostics_channel';
import { Logger } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import type { CacheEvent } from '../core/events.js';
import type { Observer, Tracing } from '../core/ports.js';
import { type DescribedFailure, describeFailure } from './describe-failure.js';
import { LogLimiter } from './log-limiter.js';
import { refusalBehind } from './refusal-behind.js';
import { StoreOutages } from './store-outages.js';

/** What happens in every application of this process. The messages are the events of `events$`. */
const everywhere = channel('nestjs-async-cache');

/**
 * Passes events on to subscribers, and writes failures to the log: one line of a kind in a minute, and then how many more
 * there were. Subscribers get every one. Of an outage of a store only the first failure of each cause is passed on.
 */
export class EventObserver implements Observer {
  tracing: Tracing | undefined;
  readonly #subject = new Subject<CacheEvent>();
  readonly #logger = new Logger('AsyncCache');
  readonly #limiter = new LogLimiter({
    writeLeftOut: (kind, count) => {
      this.#logger.warn(`${String(count)} more of the same kind were not logged: ${kind}`);
    },
  });
  readonly #outages = new StoreOutages();
  readonly events$: Observable<CacheEvent> = this.#subject.asObservable();

  get active(): boolean {
    return this.#subject.observed || everywhere.hasSubscribers;
  }

  observe(event: CacheEvent): void {
    if (!this.#outages.isNews(event)) return;
    const failure = describeFailure(event);
    if (failure !== undefined && this.#limiter.allows(kindOf(event))) this.#log(failure);
    this.#subject.next(event);
    if (everywhere.hasSubscribers) everywhere.publish(event);
  }

  /** Ends the stream, so that a subscriber does not keep a closed application alive. */
  complete(): void {
    this.#limiter.close();
    this.#subject.complete();
  }

  #log({ level, text, stack }: DescribedFailure): void {
    // Without this, Nest's logger would print the word undefined.
    if (stack === undefined) this.#logger[level](text);
    else this.#logger[level](text, stack);
  }
}

/**
 * Names of unknown jobs come from the queue, so they do not make kinds of their own. What Redis refuses does: it tells the
 * operator what to do, which the first failure of an outage may not know yet.
 */
function kindOf(event: CacheEvent): string {
  if (event.type === 'unknown-job') return event.type;
  if (event.type === 'class-unknown') return `${event.type} ${event.className}`;
  const operation = event.type === 'store-failed' ? ` ${event.operation}` : '';
  const refusal = 'error' in event ? refusalBehind(event.error) : undefined;
  const job = 'job' in event && event.job !== '' ? ` of ${event.job}` : '';
  return `${event.type}${operation}${job}${refusal === undefined ? '' : ` (${refusal})`}`;
}
