import type { RefreshHandler, RefreshOutcome, RefreshQueue, RefreshRequest } from '../../lib/core/ports.js';
import { identityOf } from '../../lib/core/job/refresh-identity.js';
import type { SimProcess } from './process.js';
import type { World } from './world.js';

interface Ticket {
  readonly id: string;
  readonly request: RefreshRequest;
  attempt: number;
  /** Counts its runs. An answer of an earlier run comes too late. */
  run: number;
}

/** Milliseconds after which an unanswered request counts as refused. */
const REQUEST_TIMEOUT = 1_000;
/** Milliseconds without a sign of life of its worker after which a request goes to another one. */
const STALLED = 3_000;
const SHORTEST_RETRY = 10;
const BACKOFF_MARGIN = 20;

/**
 * The queue between the processes. Each request runs at least once, and only one of the same identity exists at a time.
 */
export class SharedQueue {
  /** What it does at the moment: refuses requests, or loses requests and answers. */
  trouble: 'refuses' | 'silent' | undefined;
  /** Sabotage when false: takes the same request again. */
  deduplicates = true;
  readonly #tickets = new Map<string, Ticket>();
  #serial = 0;

  constructor(private readonly world: World) {}

  get pending(): number {
    return this.#tickets.size;
  }

  /** The queue returns empty. */
  wipe(): void {
    this.world.note(() => 'the queue is wiped');
    this.#tickets.clear();
  }

  /** The queue as one process sees it. */
  of(by: SimProcess): RefreshQueue & { handler: RefreshHandler | undefined } {
    return {
      shared: true,
      handler: undefined,
      request: (requests) => this.#request(by, requests),
      process(handler) {
        this.handler = handler;
      },
      schedule: () => undefined,
      close: () => undefined,
    };
  }

  #request(by: SimProcess, requests: readonly RefreshRequest[]): Promise<void> {
    const { scheduler, random } = this.world;
    return new Promise((resolve, reject) => {
      const refuse = (ms: number): void => {
        scheduler.after(ms, () => reject(new Error('the queue is down')), by);
      };
      if (this.trouble === 'refuses') {
        refuse(random.between(1, 20));
        return;
      }
      const silent = this.trouble === 'silent';
      if (silent && random.chance(0.5)) {
        refuse(REQUEST_TIMEOUT);
        return;
      }
      scheduler.quietly(random.between(1, 20), () => {
        for (const request of requests) this.#take(request);
        // The request was taken, and its caller never learns that.
        if (silent) refuse(REQUEST_TIMEOUT);
        else scheduler.after(random.between(1, 20), () => resolve(), by);
      });
    });
  }

  #take(request: RefreshRequest): void {
    const identity = identityOf(request);
    const id = this.deduplicates ? identity : `${identity} ${this.#serial++}`;
    if (this.#tickets.has(id)) return;
    const ticket: Ticket = { id, request, attempt: 1, run: 0 };
    this.#tickets.set(id, ticket);
    this.#runIn(ticket, (request.options.delay ?? 0) + this.world.random.pick([1, 1, 5, 50, 600]));
  }

  #runIn(ticket: Ticket, ms: number): void {
    const run = ++ticket.run;
    this.world.scheduler.quietly(ms, () => {
      if (this.#isCurrent(ticket, run)) this.#run(ticket);
    });
  }

  #run(ticket: Ticket): void {
    const { scheduler, random } = this.world;
    const workers = this.world.processes.filter((process) => process.works && !process.dead);
    if (workers.length === 0) {
      this.#runIn(ticket, 200);
      return;
    }
    const worker = random.pick(workers);
    const run = ++ticket.run;
    let told = false;
    scheduler.after(
      random.between(1, 10),
      () => {
        void worker.refresh(ticket.request, ticket.attempt).then((outcome) => {
          if (this.trouble !== undefined && random.chance(0.5)) return;
          scheduler.quietly(random.between(1, 20), () => {
            told = true;
            if (this.#isCurrent(ticket, run)) this.#end(ticket, outcome);
          });
        });
      },
      worker,
    );
    const watch = (): void => {
      scheduler.quietly(STALLED, () => {
        if (told || !this.#isCurrent(ticket, run)) return;
        if (worker.dead || worker.isFrozen || !worker.isRefreshing(ticket.request)) this.#run(ticket);
        else watch();
      });
    };
    watch();
  }

  #end(ticket: Ticket, outcome: RefreshOutcome): void {
    const retryIn = this.#retryIn(ticket, outcome);
    if (retryIn === undefined) this.#tickets.delete(ticket.id);
    else this.#runIn(ticket, retryIn);
  }

  #retryIn(ticket: Ticket, outcome: RefreshOutcome): number | undefined {
    switch (outcome.kind) {
      case 'stored':
      case 'skipped':
      case 'unknown-job':
        return undefined;
      case 'again':
        return SHORTEST_RETRY;
      case 'busy':
        return Math.max(SHORTEST_RETRY, outcome.retryIn);
      case 'failed':
        if (ticket.attempt >= (ticket.request.options.attempts ?? 1)) return undefined;
        ticket.attempt++;
        return outcome.retryIn + BACKOFF_MARGIN;
    }
  }

  #isCurrent(ticket: Ticket, run: number): boolean {
    return this.#tickets.get(ticket.id) === ticket && ticket.run === run;
  }
}
