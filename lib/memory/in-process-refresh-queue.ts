import { AsyncLocalStorage } from 'node:async_hooks';
import { QueueError, QueueFullError } from '../core/errors.js';
import { identityOf } from '../core/job/refresh-identity.js';
import type {
  Clock,
  QueueStatus,
  RefreshHandler,
  RefreshOutcome,
  RefreshQueue,
  RefreshRequest,
  Schedule,
  Timetable,
  Timing,
} from '../core/ports.js';
import { CronTimetable } from './cron-timetable.js';
import { estimatedBytes } from './estimated-bytes.js';

/** Milliseconds. A busy key is tried again no sooner than this, however little remains of its lease. */
const SHORTEST_RETRY = 10;
/**
 * Milliseconds added to a retry. The store's clock may be slightly behind this one, and a retry before the end of the
 * backoff is skipped.
 */
const BACKOFF_MARGIN = 20;
/** Milliseconds between the retries of a request whose job is not known yet. */
const UNKNOWN_JOB_RETRIES = [1_000, 2_000, 4_000, 8_000];
const CLOSE_TIMEOUT = 3_000;
/** Bytes that the arguments of all waiting requests may take, estimated. */
const MOST_BYTES = 64 * 1024 * 1024;

/** What an `InProcessRefreshQueue` is made of. */
export interface InProcessRefreshQueueOptions {
  /** Times delays and schedules. */
  readonly clock: Clock;
  /** How many refreshes run at once. Default: 10. */
  readonly concurrency?: number;
  /** How many requests may wait, delayed ones included. Default: 10,000. */
  readonly limit?: number;
  /** Computes the times of cron patterns. Default: {@link CronTimetable}. */
  readonly timetable?: Timetable;
}

interface Ticket {
  readonly id: string;
  readonly request: RefreshRequest;
  /** What its arguments take in memory, estimated. */
  readonly bytes: number;
  readonly order: number;
  /** When it was requested. */
  readonly since: number;
  attempt: number;
  /** How often the job was unknown. */
  unknown: number;
  /** Set while the ticket is delayed. */
  cancelDelay?: (() => void) | undefined;
}

/**
 * Runs requests in the process that makes them. Requests are lost with the process, which is acceptable for a cache:
 * the next reader of the stale value requests again.
 */
export class InProcessRefreshQueue implements RefreshQueue {
  readonly #clock: Clock;
  readonly #concurrency: number;
  readonly #limit: number;
  readonly #timetable: Timetable;
  /** Runs a function in the async context in which the queue was made, which is no reader's. */
  readonly #outsideOfReads = AsyncLocalStorage.snapshot();
  /** All waiting and running requests, by their identity. */
  readonly #tickets = new Map<string, Ticket>();
  /** Requests that are due, in the order in which they will run. */
  readonly #ready: Ticket[] = [];
  /** Functions that cancel the next tick of each schedule. */
  readonly #schedules: (() => void)[] = [];
  #running = 0;
  /** Of all tickets. */
  #bytes = 0;
  #order = 0;
  #pumping = false;
  #closing: Promise<void> | undefined;
  #idle: (() => void) | undefined;
  #handler: RefreshHandler | undefined;

  constructor({ clock, concurrency = 10, limit = 10_000, timetable }: InProcessRefreshQueueOptions) {
    this.#timetable = timetable ?? new CronTimetable();
    this.#clock = clock;
    this.#concurrency = concurrency;
    this.#limit = limit;
  }

  /**
   * Takes as many requests as there is room for, in their order: of the limit, and of 64 MB for their arguments. Rejects when
   * some are left out; their readers request again.
   */
  request(requests: readonly RefreshRequest[]): void | Promise<void> {
    if (this.#closing !== undefined) return rejection('it is closed');
    let refused = 0;
    for (const request of requests) {
      const id = identityOf(request);
      if (this.#tickets.has(id)) continue;
      const isFull = this.#tickets.size - this.#running >= this.#limit;
      // The arguments of a flood need not be measured.
      const bytes = isFull ? 0 : estimatedBytes([request.args, request.context, request.others]);
      // A request of any size runs while no other waits.
      if (isFull || (this.#tickets.size > 0 && this.#bytes + bytes > MOST_BYTES)) {
        refused += 1;
        continue;
      }
      const [order, since] = [this.#order++, this.#clock.now()];
      const ticket: Ticket = { id, request, bytes, order, since, attempt: 1, unknown: 0 };
      this.#tickets.set(id, ticket);
      this.#bytes += bytes;
      const { delay = 0 } = request.options;
      if (delay > 0) this.#runLater(ticket, delay);
      else this.#enqueue(ticket);
    }
    if (refused > 0) return Promise.reject(new QueueFullError(Math.min(this.#limit, this.#tickets.size)));
  }

  status(): QueueStatus {
    const since = Math.min(...this.#ready.map((ticket) => ticket.since));
    const oldest = this.#ready.length === 0 ? 0 : this.#clock.now() - since;
    return { waiting: this.#ready.length, oldest, workers: this.#handler === undefined ? 0 : 1 };
  }

  workersFor(): number {
    return this.status().workers;
  }

  isWaiting(requested: Pick<RefreshRequest, 'key' | 'generation'>): boolean {
    return this.#tickets.has(identityOf(requested));
  }

  process(handler: RefreshHandler): void {
    this.#handler = handler;
    this.#pumpSoon();
  }

  schedule(schedules: readonly Schedule[], tick: (name: string) => Promise<void>): void {
    for (const cancel of this.#schedules.splice(0)) cancel();
    if (this.#closing !== undefined) return;
    for (const { name, timing } of schedules) {
      const next = (): void => {
        const cancel = this.#clock.schedule(this.#untilDue(timing), () => {
          this.#schedules.splice(this.#schedules.indexOf(cancel), 1);
          next();
          void tick(name);
        });
        this.#schedules.push(cancel);
      };
      next();
    }
  }

  #untilDue(timing: Timing): number {
    if ('every' in timing) return timing.every;
    const now = this.#clock.now();
    return this.#timetable.next(timing, now) - now;
  }

  /** Drops waiting requests and gives running ones a few seconds to end. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const cancel of this.#schedules.splice(0)) cancel();
    for (const ticket of this.#tickets.values()) ticket.cancelDelay?.();
    for (const ticket of this.#ready.splice(0)) this.#forget(ticket);
    if (this.#running === 0) return;
    // The clock's timers do not keep the process alive. Without this one the process could exit while refreshes are
    // running.
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

  /** Inserts the ticket before all less urgent ones, and after all that are as urgent and came earlier. */
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

  #forget({ id, bytes }: Ticket): void {
    if (this.#tickets.delete(id)) this.#bytes -= bytes;
  }

  /** No set of keys that are invalidated over and over may keep others from their place. */
  #behindOthers(ticket: Ticket): Ticket {
    const behind = { ...ticket, order: this.#order++ };
    this.#tickets.set(ticket.id, behind);
    return behind;
  }

  #runLater(ticket: Ticket, ms: number): void {
    ticket.cancelDelay = this.#clock.schedule(ms, () => {
      ticket.cancelDelay = undefined;
      this.#enqueue(ticket);
    });
  }

  /**
   * Deferred, because a fetch may compute for long before it first waits, and the reader that requested it must not
   * wait for that.
   */
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
      // In the context of the reader that happened to request it, the refresh would have that reader's tenant, user and
      // transaction.
      this.#outsideOfReads(() => void this.#run(handler, ticket));
    }
  }

  async #run(handler: RefreshHandler, ticket: Ticket): Promise<void> {
    let outcome: RefreshOutcome;
    try {
      outcome = await handler(ticket.request, ticket.attempt);
    } catch (error) {
      // A handler never rejects by contract. If it does, the key must not stay marked as running.
      outcome = { kind: 'failed', error, retryIn: UNKNOWN_JOB_RETRIES[0] ?? 0 };
    }
    this.#running -= 1;
    const retryIn = this.#closing === undefined ? retryAfter(ticket, outcome) : undefined;
    if (retryIn === undefined) this.#forget(ticket);
    else if (retryIn === 0) this.#enqueue(this.#behindOthers(ticket));
    else this.#runLater(ticket, retryIn);
    if (this.#running === 0) this.#idle?.();
    this.#pumpSoon();
  }
}

/** Milliseconds until the request runs again; undefined when it is finished. Updates the counts on the ticket. */
function retryAfter(ticket: Ticket, outcome: RefreshOutcome): number | undefined {
  switch (outcome.kind) {
    case 'stored':
    case 'skipped':
      return undefined;
    case 'again':
      return 0;
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

/** A rejected promise and no synchronous throw, because a caller that does not await handles only promises. */
function rejection(reason: string): Promise<never> {
  return Promise.reject(new QueueError('request', { cause: new Error(reason) }));
}
