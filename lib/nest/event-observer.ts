import { Logger } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import type { CacheEvent } from '../core/events.js';
import type { Observer } from '../core/ports.js';
import { describeFailure } from './describe-failure.js';

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
    if (failure !== undefined) this.#logger[failure.level](failure.text, failure.stack);
    this.#subject.next(event);
  }

  /** Ends the stream, so that a subscriber does not keep a closed application alive. */
  complete(): void {
    this.#subject.complete();
  }
}
