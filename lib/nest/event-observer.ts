import { Logger } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import type { CacheEvent } from '../core/events.js';
import type { Observer } from '../core/ports.js';
import { type DescribedFailure, describeFailure } from './describe-failure.js';

/** Passes events on to subscribers, and writes each failure to the log once. */
export class EventObserver implements Observer {
  readonly #subject = new Subject<CacheEvent>();
  readonly #logger = new Logger('AsyncCache');
  readonly events$: Observable<CacheEvent> = this.#subject.asObservable();

  get active(): boolean {
    return this.#subject.observed;
  }

  observe(event: CacheEvent): void {
    const failure = describeFailure(event);
    if (failure !== undefined) this.#log(failure);
    this.#subject.next(event);
  }

  /** Ends the stream, so that a subscriber does not keep a closed application alive. */
  complete(): void {
    this.#subject.complete();
  }

  #log({ level, text, stack }: DescribedFailure): void {
    // Without this, Nest's logger would print the word undefined.
    if (stack === undefined) this.#logger[level](text);
    else this.#logger[level](text, stack);
  }
}
