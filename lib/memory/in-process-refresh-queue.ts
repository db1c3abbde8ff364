import { QueueError } from '../core/errors.js';
import { identityOf } from '../core/refresh-identity.js';
import type { Clock, RefreshHandler, RefreshOutcome, RefreshQueue, RefreshRequest, Schedule } from '../core/ports.js';

/** A key that is busy is looked at again no sooner than this, whatever little remains of its lease. */
const SHORTEST_RETRY = 10;
/** The store's clock may be a little behind ours, and a retry that comes before the end of the backoff is skipped. */
const BACKOFF_MARGIN = 20;
/** Pauses after which a request for a job that nobody knows yet is tried again. */
const UNKNOWN_JOB_RETRIES = [1_000, 2_000, 4_000, 8_000];
const CLOSE_TIMEOUT = 3_000;

export interface InProcessRefreshQueueOptions {
  readonly clock: Clock;
  /** How many refreshes run at once. Default: 10. */
  readonly concurrency?: number;
  /** How many requests may wait, delayed ones included. Default: 10,000. */
  readonly limit?: number;
}

interface Ticket {
  readonly id: string;
  readonly request: RefreshRequest;
  readonly order: number;
  attempt: number;
  /** How often the job was unknown. */
  unknown: number;
  /** Set while the ticket waits for its time. */
  cancelDelay?: (() => void) | undefined;
}

/**
 * Runs requests in the process that makes them. They are lost with it, which is right for a cache: the next reader of
 * the stale value asks again.
 */
export class InProcessRefreshQueue implements RefreshQueue {
  readonly #clock: Clock;
  readonly #concurrency: number;
  readonly #limit: number;
  /** All that wait or run, by what identifies a request. */
  readonly #tickets = new Map<string, Ticket>();
  /** Those whose time has come, in the order in which they will run. */
  readonly #ready: Ticket[] = [];
  /** How to cancel the next tick of each schedule. */
  readonly #schedules: (() => void)[] = [];
  #running = 0;
  #order = 0;
  #pumping = false;
  #closing: Promise<void> | undefined;
  #idle: (() => void) | undefined;
  #handler: RefreshHandler | undefined;

  constructor({ clock, concurrency = 10, limit = 10_000 }: InProcessRefreshQueueOptions) {
    this.#clock = clock;
    this.#concurrency = concurrency;
    this.#limit = limit;
  }

  /** Takes what there is room for. Rejects if that is not all: who asked first is served first, the rest asks again. */
  request(requests: readonly RefreshRequest[]): void | Promise<void> {
    if (this.#closing !== undefined) return rejection('it is closed');
    let refused = 0;
    for (const request of requests) {
      const id = identityOf(request);
      if (this.#tickets.has(id)) continue;
      if (this.#tickets.size - this.#running >= this.#limit) {
        refused += 1;
        continue;
      }
      const ticket: Ticket = { id, request, order: this.#order++, attempt: 1, unknown: 0 };
      this.#tickets.set(id, ticket);
      const { delay = 0 } = request.options;
      if (delay > 0) this.#runLater(ticket, delay);
      else this.#enqueue(ticket);
    }
    if (refused > 0) {
      return rejection(`${String(this.#limit)} requests are waiting, and there is no room for ${String(refused)} more`);
    }
  }

  process(handler: RefreshHandler): void {
    this.#handler = handler;
    this.#pumpSoon();
  }

  schedule(schedules: readonly Schedule[], tick: (name: string) => Promise<void>): void {
    for (const cancel of this.#schedules.splice(0)) cancel();
    if (this.#closing !== undefined) return;
    for (const { name, every } of schedules) {
      const next = (): void => {
        const cancel = this.#clock.schedule(every, () => {
          this.#schedules.splice(this.#schedules.indexOf(cancel), 1);
          next();
          void tick(name);
        });
        this.#schedules.push(cancel);
      };
      next();
    }
  }

  /** Drops what waits, and gives what runs a few seconds to end. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const cancel of this.#schedules.splice(0)) cancel();
    for (const ticket of this.#tickets.values()) ticket.cancelDelay?.();
    for (const { id } of this.#ready.splice(0)) this.#tickets.delete(id);
    if (this.#running === 0) return;
    // The clock's timers do not keep the process alive, and one that ends here would cut the refreshes short.
    const alive = setInterval(() => undefined, CLOSE_TIMEOUT);
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.schedule(CLOSE_TIMEOUT, resolve);
      this.#idle = () => {
        cancel();
        resolve();
      };
    });
    clearInterval(alive);
  }

  /** Before all that are less urgent, after all that are as urgent and came earlier. */
  #enqueue(ticket: Ticket): void {
    let low = 0;
    let high = this.#ready.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#ready[middle];
      if (other !== undefined && comesBefore(ticket, other)) high = middle;
      else low = middle + 1;
    }
    this.#ready.splice(low, 0, ticket);
    this.#pumpSoon();
  }

  #runLater(ticket: Ticket, ms: number): void {
    ticket.cancelDelay = this.#clock.schedule(ms, () => {
      ticket.cancelDelay = undefined;
      this.#enqueue(ticket);
    });
  }

  /** Not at once: a fetch may compute a lot before it first waits, and who asks must not wait for that. */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#clock.defer(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    const handler = this.#handler;
    if (handler === undefined || this.#closing !== undefined) return;
    while (this.#running < this.#concurrency) {
      const ticket = this.#ready.shift();
      if (ticket === undefined) return;
      this.#running += 1;
      void this.#run(handler, ticket);
    }
  }

  async #run(handler: RefreshHandler, ticket: Ticket): Promise<void> {
    let outcome: RefreshOutcome;
    try {
      outcome = await handler(ticket.request, ticket.attempt);
    } catch (error) {
      // By contract it never rejects. If it does, the key must not stay marked as running.
      outcome = { kind: 'failed', error, retryIn: UNKNOWN_JOB_RETRIES[0] ?? 0 };
    }
    this.#running -= 1;
    const retryIn = this.#closing === undefined ? retryAfter(ticket, outcome) : undefined;
    if (retryIn === undefined) this.#tickets.delete(ticket.id);
    else this.#runLater(ticket, retryIn);
    if (this.#running === 0) this.#idle?.();
    this.#pumpSoon();
  }
}

/** Milliseconds until the request runs again; undefined: it is done with. Counts on the ticket what was used up. */
function retryAfter(ticket: Ticket, outcome: RefreshOutcome): number | undefined {
  switch (outcome.kind) {
    case 'stored':
    case 'skipped':
      return undefined;
    case 'busy':
      return Math.max(SHORTEST_RETRY, outcome.retryIn);
    case 'failed':
      if (ticket.attempt >= (ticket.request.options.attempts ?? 1)) return undefined;
      ticket.attempt += 1;
      return Math.max(SHORTEST_RETRY, outcome.retryIn + BACKOFF_MARGIN);
    case 'unknown-job':
      return UNKNOWN_JOB_RETRIES[ticket.unknown++];
  }
}

function comesBefore(one: Ticket, other: Ticket): boolean {
  const urgency = (one.request.options.priority ?? 0) - (other.request.options.priority ?? 0);
  return urgency === 0 ? one.order < other.order : urgency < 0;
}

/** Never thrown at once: who asks without awaiting may look for a promise only. */
function rejection(reason: string): Promise<never> {
  return Promise.reject(new QueueError('request', { cause: new Error(reason) }));
}
