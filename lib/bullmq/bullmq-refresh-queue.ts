import { createHash } from 'node:crypto';
import type { JobsOptions, Queue } from 'bullmq';
import { QueueError } from '../core/errors.js';
import { identityOf } from '../core/refresh-identity.js';
import type { RefreshHandler, RefreshQueue, RefreshRequest, Schedule } from '../core/ports.js';
import type { BullMQRefreshOptions } from './bullmq-refresh-options.js';
import { giveUpSilence } from './give-up-silence.js';
import { ignoreError } from './ignore-error.js';
import { isSharedConnection } from './is-shared-connection.js';
import type { OutageReporter } from './outage-reporter.js';
import { encodePayload, TICK, tickPayload } from './refresh-payload.js';
import type { RefreshProcessor } from './refresh-processor.js';
import { settlesWithin } from './settles-within.js';

/** Without Redis, BullMQ's `add` waits for it to come back: longer than this, a request is not in safe hands. */
const REQUEST_TIMEOUT = 1_000;
/** Requests under way at one time, in all; what is above is refused, so that a slow Redis does not fill the memory. */
const MOST_UNDER_WAY = 10_000;
const CLOSE_TIMEOUT = 500;
const REASSERTION_INTERVAL = 10 * 60 * 1_000;
/** A cluster's connection may stay at `connect`. */
const UP: ReadonlySet<string> = new Set(['ready', 'connect']);

/** What of a connection is used here. */
interface Client {
  readonly status: string;
  on(event: 'error', listener: () => void): unknown;
  disconnect(): void;
}

/**
 * Carries requests through BullMQ. One that could not be handed over in time may still arrive when Redis is back; that
 * does no harm, as the worker skips what has been refreshed since.
 */
export class BullMQRefreshQueue implements RefreshQueue {
  /** Undefined until it was ready once. */
  #client: Client | undefined;
  #reassertion: NodeJS.Timeout | undefined;
  /** Made by this process, and to be there for as long as it is. */
  #schedules: readonly Schedule[] = [];
  readonly #stopLooking: () => void;
  #underWay = 0;
  /** Calls of `add` that took too long and have not ended. While there is one, no other is made. */
  #hanging = 0;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly queue: Queue,
    /** Undefined in a process that only asks. */
    private readonly processor: RefreshProcessor | undefined,
    private readonly options: Pick<BullMQRefreshOptions, 'codec' | 'connection'>,
    outages: OutageReporter,
  ) {
    queue.on('error', (error) => {
      if (this.#closing === undefined) outages.emitted(error);
    });
    const backend = queue.getBackend();
    this.#stopLooking = giveUpSilence(backend, options.connection);
    backend.on('ready', () => {
      outages.recovered();
      this.#reassert();
    });
    backend.client.then(
      (client) => (this.#client = client),
      // Told by the event.
      () => undefined,
    );
  }

  async request(requests: readonly RefreshRequest[]): Promise<void> {
    const [first] = requests;
    if (first === undefined) return;
    const obstacle = this.#obstacle(requests.length);
    if (obstacle !== undefined) throw refusal(first, new Error(obstacle));
    this.#underWay += requests.length;
    const adding = this.#add(requests).finally(() => (this.#underWay -= requests.length));
    // One command is some 0.1 ms of Redis's time, and thousands come in one batch.
    if (await settlesWithin(adding, REQUEST_TIMEOUT + requests.length)) {
      try {
        await adding;
      } catch (error) {
        throw refusal(first, error);
      }
      return;
    }
    this.#hanging += 1;
    adding.catch(() => undefined).finally(() => (this.#hanging -= 1));
    throw refusal(first, new Error('Redis did not answer in time'));
  }

  process(handler: RefreshHandler, lease?: number): void {
    this.processor?.start(handler, lease);
  }

  /**
   * One schedule for the cluster, however many processes ask for it. A process that runs refreshes knows every job, so
   * what it does not ask for is a leftover of an earlier release.
   */
  async schedule(schedules: readonly Schedule[], tick: (name: string) => Promise<void>): Promise<void> {
    this.processor?.onTick(tick);
    clearInterval(this.#reassertion);
    this.#schedules = [];
    try {
      await this.#upsert(schedules);
      if (this.processor !== undefined) await this.#removeOthers(schedules);
    } catch (error) {
      // Redis was away from the start to the end: whoever starts next makes the schedule.
      if (this.#closing === undefined) throw error;
    } finally {
      this.#keep(schedules);
    }
  }

  /** A worker of the old release that starts during a deploy removes what it does not know, and Redis may come back empty. */
  #keep(schedules: readonly Schedule[]): void {
    if (schedules.length === 0 || this.#closing !== undefined) return;
    this.#schedules = schedules;
    this.#reassertion = setInterval(this.#reassert, REASSERTION_INTERVAL).unref();
  }

  readonly #reassert = (): void => {
    if (this.#closing === undefined) this.#upsert(this.#schedules).catch(ignoreError);
  };

  async #upsert(schedules: readonly Schedule[]): Promise<void> {
    for (const { name, every } of schedules) {
      await this.queue.upsertJobScheduler(name, { every }, { name: TICK, data: tickPayload(name) });
    }
  }

  async #removeOthers(schedules: readonly Schedule[]): Promise<void> {
    const wanted = new Set(schedules.map(({ name }) => name));
    for (const { key } of await this.queue.getJobSchedulers()) {
      if (!wanted.has(key)) await this.queue.removeJobScheduler(key);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Nest's hook: the worker must be done before the stores close. */
  onModuleDestroy(): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    clearInterval(this.#reassertion);
    this.#stopLooking();
    await this.processor?.stop();
    const own = isSharedConnection(this.options.connection) ? undefined : this.#client;
    own?.on('error', ignoreError);
    if (!(await settlesWithin(this.queue.close(), CLOSE_TIMEOUT))) own?.disconnect();
  }

  /** Why there is no point in asking BullMQ. */
  #obstacle(requests: number): string | undefined {
    if (this.#closing !== undefined) return 'it is closed';
    if (this.#hanging > 0) return 'Redis has not answered an earlier request';
    if (this.#client !== undefined && !UP.has(this.#client.status)) return `the connection is ${this.#client.status}`;
    if (this.#underWay > 0 && this.#underWay + requests > MOST_UNDER_WAY) return 'too many requests are under way';
    return undefined;
  }

  async #add(requests: readonly RefreshRequest[]): Promise<void> {
    const jobs = requests.map((request) => ({
      name: request.job,
      data: encodePayload(request, this.options.codec),
      opts: jobOptions(request),
    }));
    const [first] = jobs;
    if (jobs.length === 1 && first !== undefined) await this.queue.add(first.name, first.data, first.opts);
    else await this.queue.addBulk(jobs);
  }
}

function jobOptions(request: RefreshRequest): JobsOptions {
  const { options } = request;
  const { priority, attempts = 1, delay } = options;
  return {
    deduplication: { id: deduplicationId(request) },
    ...(priority === undefined ? {} : { priority }),
    ...(delay === undefined ? {} : { delay }),
    ...(attempts > 1 ? { attempts, backoff: { type: 'custom' } } : {}),
  };
}

/** Hashed because keys are long and are not meant for the names of Redis keys. */
function deduplicationId(request: RefreshRequest): string {
  return createHash('sha1').update(identityOf(request)).digest('base64url');
}

function refusal({ job, key }: RefreshRequest, cause: unknown): QueueError {
  return new QueueError('request', { job, key, cause });
}

