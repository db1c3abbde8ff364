import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { OnWorkerEvent, WorkerHost } from '@nestjs/bullmq';
import { ErrorCode, type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { QueueError } from '../core/errors.js';
import type { RefreshHandler, RefreshQueueOptions } from '../core/ports.js';
import { backendOf } from './backend-of.js';
import type { BullMQRefreshOptions } from './bullmq-refresh-options.js';
import { dropSilentConnection } from './drop-silent-connection.js';
import { isHostClockRight } from './host-clock-check.js';
import { isRefusal, type OutageReporter } from './outage-reporter.js';
import { deployRetryDelay, postpone } from './postpone.js';
import { HandOver } from './hand-over.js';
import { ignoreError, isSharedConnection } from './queue-connection.js';
import { decodePayload, TICK } from './refresh-payload.js';
import { settlesWithin } from './settles-within.js';
import { shortenLocks } from './shorten-locks.js';
import { shortFailure } from './short-failure.js';
import type { WorkerFleet } from './worker-fleet.js';
import { wakeWorker } from './wake-worker.js';
import { WorkerRest } from './worker-rest.js';
import { workerTimings } from './worker-timings.js';

/** Milliseconds. A busy key is tried again no sooner than this, however little remains of its lease. */
const SHORTEST_RETRY = 10;
/**
 * Milliseconds added to a retry. The store's clock may be slightly behind this one, and a retry before the end of the
 * backoff is skipped.
 */
const BACKOFF_MARGIN = 20;
const DEFAULT_LEASE = 10_000;
/** Milliseconds for which a tick is postponed that arrives before this application knows its schedules. */
const START_UP = 1_000;
/** Milliseconds that a running refresh may take when the application closes. */
const CLOSE_TIMEOUT = 3_000;
/** Milliseconds that BullMQ may take to close when nothing runs any more. */
const IDLE_CLOSE_TIMEOUT = 500;

/**
 * Runs the requests that BullMQ hands over. Owns the worker from the moment the handler is known until `stop`.
 * `@Processor` decorates a subclass made for each application, since the options of a worker are known at run time
 * only.
 */
export class RefreshProcessor extends WorkerHost {
  readonly #options: BullMQRefreshOptions;
  readonly #outages: OutageReporter;
  readonly #fleet: WorkerFleet;
  readonly #handOvers = new HandOver();
  readonly #running = new Set<Promise<unknown>>();
  readonly #retryIn = new WeakMap<object, number>();
  #handler: RefreshHandler | undefined;
  #lease = DEFAULT_LEASE;
  #tick: ((name: string) => Promise<void>) | undefined;
  #ready = false;
  #newerReported = false;
  readonly #stopping = new AbortController();
  readonly #rest = new WorkerRest();
  #stopLooking = (): void => undefined;
  #state: 'idle' | 'working' | 'stopped' = 'idle';

  constructor(options: BullMQRefreshOptions, outages: OutageReporter, fleet: WorkerFleet) {
    super();
    this.#fleet = fleet;
    this.#options = options;
    this.#outages = outages;
    // As many listeners as there are places in the worker.
    setMaxListeners(0, this.#stopping.signal);
  }

  start(handler: RefreshHandler, lease = DEFAULT_LEASE): void {
    this.#handler = handler;
    this.#lease = lease;
    this.#work();
  }

  /** See `shortenLocks`. */
  async shortenLocks(isClockSetBack: boolean): Promise<void> {
    if (this.#state === 'working') await shortenLocks(this.worker, isClockSetBack);
  }

  /** Called when a schedule is due, in the process that receives the tick. */
  onTick(tick: (name: string) => Promise<void>): void {
    this.#tick = tick;
  }

  async process(job: Job<unknown>, token?: string): Promise<void> {
    const running = this.#process(job, token);
    this.#running.add(running);
    try {
      await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** BullMQ's custom backoff: the delay that the failed refresh asked for. */
  retryDelay(job: object | undefined): number {
    return job === undefined ? 0 : (this.#retryIn.get(job) ?? 0);
  }

  /**
   * Gives running refreshes a few seconds to end. One that does not end is taken over by another worker when its lock
   * has expired.
   */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#rest.cancel();
    this.#stopping.abort();
    this.#stopLooking();
    const worker = this.#worker();
    if (worker === undefined) return;
    // Resolves when nothing runs any more and BullMQ has recorded that. Without Redis it never resolves.
    const written = worker.pause().catch(() => undefined);
    const ended = Promise.allSettled(this.#running).then(() => settlesWithin(written, IDLE_CLOSE_TIMEOUT));
    await settlesWithin(ended, CLOSE_TIMEOUT);
    if (this.#ready) await this.#ignoreErrorsOf(worker);
    // Not close() without force: without Redis it never ends, and its first call decides for all later ones, including
    // Nest's.
    await settlesWithin(worker.close(true), IDLE_CLOSE_TIMEOUT);
  }

  /** An event, because an application with `manualRegistration` creates its workers after its modules have started. */
  @OnWorkerEvent('ready')
  protected onReady(): void {
    this.#ready = true;
    this.#work();
  }

  @OnWorkerEvent('error')
  protected onError(error: Error): void {
    // The request's lock has expired, because this process stood still or Redis has set its clock forward. The request runs
    // again, and whether its value was stored is what the store has said: a lost lease is reported as `fenced`.
    if (this.#state === 'stopped' || hasLostLock(error)) return;
    this.#outages.emitted(error);
    if (this.#state === 'working' && isRefusal(error)) this.#rest.begin(this.worker);
  }

  /** Reports only what no handler has seen: a request that BullMQ gave up because its workers died on it repeatedly. */
  @OnWorkerEvent('failed')
  protected onFailed(job: Job<unknown> | undefined, error: Error): void {
    if (job?.deferredFailure === undefined) return;
    this.#options.onFailure(new QueueError('process', { job: job.name, cause: error }));
  }

  #work(): void {
    if (this.#handler === undefined || !this.#ready || this.#state !== 'idle') return;
    this.#state = 'working';
    const { worker } = this;
    this.#noticeDeaths(worker);
    const backend = backendOf(worker);
    this.#stopLooking = dropSilentConnection(backend, this.#options.connection);
    backend.on('ready', () => this.#outages.connected());
    worker.run().catch((error: unknown) => this.onError(error as Error));
  }

  /** Not passed as options of the worker: it is created before the jobs, and thus their leases, are known. */
  #noticeDeaths(worker: WorkerHost['worker']): void {
    const { worker: own } = this.#options;
    Object.assign(worker.opts, workerTimings(this.#lease, own || {}));
    // The lock manager has copied the settings, so it is created again. The method is protected, meant for subclasses,
    // but the application chooses the class of the worker.
    (worker as unknown as { createLockManager(): void }).createLockManager();
  }

  async #process(job: Job<unknown>, token: string | undefined): Promise<void> {
    const payload = decodePayload(job.data, this.#options.codec);
    switch (payload.kind) {
      case 'newer':
        // Dropped, because the next tick comes at its time.
        if (job.name === TICK) return;
        return this.#awaitNewerRelease(job, token);
      case 'corrupt': {
        const error = new QueueError('decode', { job: job.name, cause: payload.cause });
        this.#options.onFailure(error);
        throw new UnrecoverableError(error.message);
      }
      case 'tick':
        // The process that takes it next may know the schedule.
        if (this.#state === 'stopped') return postpone(job, token, 0);
        return this.#tick === undefined ? postpone(job, token, START_UP) : this.#tick(payload.name);
      case 'payload':
        break;
    }
    const { kind: _, ...request } = payload;
    const handler = this.#handler;
    // BullMQ may have taken this request just before the worker was stopped.
    if (handler === undefined || this.#state === 'stopped') return postpone(job, token, 0);
    const outcome = await handler({ ...request, options: optionsOf(job) }, job.attemptsMade + 1);
    switch (outcome.kind) {
      case 'stored':
      case 'skipped':
        // Returns nothing, because BullMQ would write it into the stream of events.
        return;
      case 'again':
        return this.#comeAgain(job, token, SHORTEST_RETRY);
      case 'busy':
        return this.#comeAgain(job, token, Math.max(SHORTEST_RETRY, outcome.retryIn));
      case 'unknown-job':
        if (await this.#isKnownElsewhere(request.key)) return this.#handOver(job, token);
        return this.#awaitDeploy(job, token, outcome.error);
      case 'failed':
        this.#retryIn.set(job, Math.max(SHORTEST_RETRY, outcome.retryIn + BACKOFF_MARGIN));
        throw shortFailure(outcome.error);
    }
  }

  /**
   * BullMQ measures delays by the clock of the host that postpones and of the host that looks next. If this host's
   * clock is wrong, the request waits in this process instead, and occupies one of the worker's places.
   */
  async #comeAgain(job: Job<unknown>, token: string | undefined, ms: number): Promise<void> {
    if (await this.#hasRightClock()) return postpone(job, token, ms);
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(ignoreError);
    return this.#process(job, token);
  }

  async #hasRightClock(): Promise<boolean> {
    try {
      const client = await backendOf(this.worker).client;
      return await isHostClockRight(client);
    } catch {
      // Redis is unreachable. Postponing will fail and report it.
      return true;
    }
  }

  #awaitNewerRelease(job: Job<unknown>, token: string | undefined): Promise<never> {
    const cause = new Error('A newer release of nestjs-async-cache wrote it');
    if (!this.#newerReported) this.#options.onFailure(new QueueError('decode', { job: job.name, cause }));
    this.#newerReported = true;
    return this.#awaitDeploy(job, token, cause);
  }

  /** False also when Redis cannot say. */
  async #isKnownElsewhere(key: string): Promise<boolean> {
    try {
      return (await this.#fleet.knowing(key)) > 0;
    } catch {
      return false;
    }
  }

  /**
   * Hands a request back, for a worker that knows its job. This one must not take it again before that one could, so the
   * request occupies a place of this worker a moment longer.
   */
  async #handOver(job: Job<unknown>, token: string | undefined): Promise<void> {
    const { ms, delayed, wake } = this.#handOvers.plan(job.attemptsStarted);
    // A failure costs a moment only, and BullMQ's own commands report the same.
    if (wake) await wakeWorker(this.worker).catch(ignoreError);
    if (delayed && (await this.#hasRightClock())) return postpone(job, token, ms);
    await job.moveToWait(token);
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(ignoreError);
    throw new WaitingError();
  }

  async #awaitDeploy(job: Job<unknown>, token: string | undefined, cause: unknown): Promise<never> {
    const retryIn = deployRetryDelay(job);
    if (retryIn !== undefined) return postpone(job, token, retryIn);
    const error = new QueueError('process', { job: job.name, cause });
    this.#options.onFailure(error);
    throw new UnrecoverableError(error.message);
  }

  /** For the connections that the worker owns. They exist, since the worker was ready once. */
  async #ignoreErrorsOf(worker: WorkerHost['worker']): Promise<void> {
    const backend = backendOf(worker);
    const blocking = await backend.blockingClient;
    blocking?.on('error', ignoreError);
    if (!isSharedConnection(this.#options.connection)) (await backend.client).on('error', ignoreError);
  }

  /** Undefined until the application has registered its processors, which creates the worker. */
  #worker(): WorkerHost['worker'] | undefined {
    try {
      return this.worker;
    } catch {
      return undefined;
    }
  }
}

function hasLostLock(error: Error): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === ErrorCode.JobLockNotExist || code === ErrorCode.JobLockMismatch;
}

/** The options of the request. BullMQ replaces missing ones by zeros, which are left out. */
function optionsOf({ opts: { priority = 0, attempts = 0, delay = 0 } }: Job<unknown>): RefreshQueueOptions {
  return {
    ...(priority > 0 ? { priority } : {}),
    ...(attempts > 0 ? { attempts } : {}),
    ...(delay > 0 ? { delay } : {}),
  };
}
