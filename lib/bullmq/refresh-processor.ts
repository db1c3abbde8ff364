import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { OnWorkerEvent, WorkerHost } from '@nestjs/bullmq';
import { type Job, UnrecoverableError } from 'bullmq';
import { QueueError } from '../core/errors.js';
import type { RefreshHandler, RefreshQueueOptions } from '../core/ports.js';
import type { BullMQRefreshOptions } from './bullmq-refresh-options.js';
import { clockDifference } from './clock-difference.js';
import { deployRetry } from './deploy-retry.js';
import { giveUpSilence } from './give-up-silence.js';
import { ignoreError } from './ignore-error.js';
import { isSharedConnection } from './is-shared-connection.js';
import type { OutageReporter } from './outage-reporter.js';
import { postpone } from './postpone.js';
import { recoverySettings } from './recovery-settings.js';
import { decodePayload, TICK } from './refresh-payload.js';
import { settlesWithin } from './settles-within.js';

/** A key that is busy is looked at again no sooner than this, whatever little remains of its lease. */
const SHORTEST_RETRY = 10;
/** The store's clock may be a little behind ours, and a retry that comes before the end of the backoff is skipped. */
const BACKOFF_MARGIN = 20;
const DEFAULT_LEASE = 10_000;
/** Milliseconds. A clock of a host is wrong when it differs by more from that of the server. */
const CLOCK_TOLERANCE = 500;
/** A tick that comes before this application knows its schedules waits for so long. */
const START_UP = 1_000;
/** How long a refresh that is running may go on when the application closes. */
const CLOSE_TIMEOUT = 3_000;
/** How long BullMQ may take for what it has to do when nothing runs any more. */
const IDLE_CLOSE_TIMEOUT = 500;

/**
 * Runs what BullMQ hands over. Owns the worker from the moment the handler is known until `stop`. A subclass of its own
 * for each application is what `@Processor` decorates: the options of a worker are known at run time only.
 */
export class RefreshProcessor extends WorkerHost {
  readonly #options: BullMQRefreshOptions;
  readonly #outages: OutageReporter;
  readonly #running = new Set<Promise<unknown>>();
  readonly #retryIn = new WeakMap<object, number>();
  #handler: RefreshHandler | undefined;
  #lease = DEFAULT_LEASE;
  #tick: ((name: string) => Promise<void>) | undefined;
  #ready = false;
  #newerReported = false;
  readonly #stopping = new AbortController();
  #stopLooking = (): void => undefined;
  #state: 'idle' | 'working' | 'stopped' = 'idle';

  constructor(options: BullMQRefreshOptions, outages: OutageReporter) {
    super();
    this.#options = options;
    this.#outages = outages;
    // As many as there are places.
    setMaxListeners(0, this.#stopping.signal);
  }

  start(handler: RefreshHandler, lease = DEFAULT_LEASE): void {
    this.#handler = handler;
    this.#lease = lease;
    this.#work();
  }

  /** Called in whichever process a schedule's time meets. */
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

  /** BullMQ's custom backoff: what the refresh asked for when it failed. */
  retryDelay(job: object | undefined): number {
    return job === undefined ? 0 : (this.#retryIn.get(job) ?? 0);
  }

  /**
   * Gives what runs a few seconds to end; what does not is left to another worker, which takes it over when the lock
   * has run out.
   */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#stopping.abort();
    this.#stopLooking();
    const worker = this.#worker();
    if (worker === undefined) return;
    // Resolves when nothing runs any more and BullMQ has written that down; without Redis, never.
    const written = worker.pause().catch(() => undefined);
    const ended = Promise.allSettled(this.#running).then(() => settlesWithin(written, IDLE_CLOSE_TIMEOUT));
    await settlesWithin(ended, CLOSE_TIMEOUT);
    if (this.#ready) await this.#ignoreErrorsOf(worker);
    // Not close(): without Redis it never ends, and the first call decides for all that follow, Nest's included.
    await settlesWithin(worker.close(true), IDLE_CLOSE_TIMEOUT);
  }

  /** By event, because an application with `manualRegistration` makes its workers after its modules are up. */
  @OnWorkerEvent('ready')
  protected onReady(): void {
    this.#ready = true;
    this.#work();
  }

  @OnWorkerEvent('error')
  protected onError(error: Error): void {
    if (this.#state !== 'stopped') this.#outages.emitted(error);
  }

  /** Only what no handler has seen: a request that BullMQ gave up because its workers died on it again and again. */
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
    this.#stopLooking = giveUpSilence(worker.getBackend(), this.#options.connection);
    worker.getBackend().on('ready', () => this.#outages.recovered());
    worker.run().catch((error: unknown) => this.onError(error as Error));
  }

  /** Not in the worker's options: it is made before the jobs, and with them the leases, are known. */
  #noticeDeaths(worker: WorkerHost['worker']): void {
    const { worker: own } = this.#options;
    Object.assign(worker.opts, recoverySettings(this.#lease, own || {}));
    // It keeps a copy of the settings. Protected, for subclasses; but the class of the worker is the application's choice.
    (worker as unknown as { createLockManager(): void }).createLockManager();
  }

  async #process(job: Job<unknown>, token: string | undefined): Promise<void> {
    const payload = decodePayload(job.data, this.#options.codec);
    switch (payload.kind) {
      case 'newer':
        // The next one comes at its time.
        if (job.name === TICK) return;
        return this.#awaitNewerRelease(job, token);
      case 'corrupt': {
        const error = new QueueError('decode', { job: job.name, cause: payload.cause });
        this.#options.onFailure(error);
        throw new UnrecoverableError(error.message);
      }
      case 'tick':
        return this.#tick === undefined ? postpone(job, token, START_UP) : this.#tick(payload.name);
      case 'payload':
        break;
    }
    const { kind: _, ...request } = payload;
    const handler = this.#handler;
    // BullMQ may have taken this one just before it was told to stop.
    if (handler === undefined || this.#state === 'stopped') return postpone(job, token, 0);
    const outcome = await handler({ ...request, options: optionsOf(job) }, job.attemptsMade + 1);
    switch (outcome.kind) {
      case 'stored':
      case 'skipped':
        // Nothing is returned: BullMQ would write it into the stream of events.
        return;
      case 'busy':
        return this.#comeAgain(job, token, Math.max(SHORTEST_RETRY, outcome.retryIn));
      case 'unknown-job':
        return this.#awaitDeploy(job, token, outcome.error);
      case 'failed':
        this.#retryIn.set(job, Math.max(SHORTEST_RETRY, outcome.retryIn + BACKOFF_MARGIN));
        throw outcome.error instanceof Error ? outcome.error : new Error(String(outcome.error), { cause: outcome.error });
    }
  }

  /**
   * BullMQ's delays go by the clocks of hosts: of the one that puts off, and of whichever looks next. Where this one's is
   * wrong the request stays here meanwhile, and takes up one of the worker's places.
   */
  async #comeAgain(job: Job<unknown>, token: string | undefined, ms: number): Promise<void> {
    if (await this.#hasRightClock()) return postpone(job, token, ms);
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(ignoreError);
    return this.#process(job, token);
  }

  async #hasRightClock(): Promise<boolean> {
    try {
      const client = await this.worker.getBackend().client;
      return (await clockDifference(client)) < CLOCK_TOLERANCE;
    } catch {
      // Redis is away, and will say so to whoever puts the request off.
      return true;
    }
  }

  #awaitNewerRelease(job: Job<unknown>, token: string | undefined): Promise<never> {
    const cause = new Error('A newer release of nestjs-async-cache wrote it');
    if (!this.#newerReported) this.#options.onFailure(new QueueError('decode', { job: job.name, cause }));
    this.#newerReported = true;
    return this.#awaitDeploy(job, token, cause);
  }

  async #awaitDeploy(job: Job<unknown>, token: string | undefined, cause: unknown): Promise<never> {
    const retryIn = deployRetry(job);
    if (retryIn !== undefined) return postpone(job, token, retryIn);
    const error = new QueueError('process', { job: job.name, cause });
    this.#options.onFailure(error);
    throw new UnrecoverableError(error.message);
  }

  /** On the connections that are its own; it was ready once. */
  async #ignoreErrorsOf(worker: WorkerHost['worker']): Promise<void> {
    const backend = worker.getBackend();
    const blocking = await backend.blockingClient;
    blocking?.on('error', ignoreError);
    if (!isSharedConnection(this.#options.connection)) (await backend.client).on('error', ignoreError);
  }

  /** Undefined: it has not been made, because the application has not registered its processors. */
  #worker(): WorkerHost['worker'] | undefined {
    try {
      return this.worker;
    } catch {
      return undefined;
    }
  }
}

/** What was asked for: BullMQ fills in zeros. */
function optionsOf({ opts: { priority = 0, attempts = 0, delay = 0 } }: Job<unknown>): RefreshQueueOptions {
  return {
    ...(priority > 0 ? { priority } : {}),
    ...(attempts > 0 ? { attempts } : {}),
    ...(delay > 0 ? { delay } : {}),
  };
}
