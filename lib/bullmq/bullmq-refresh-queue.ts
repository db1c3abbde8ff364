import type { JobsOptions, Queue } from 'bullmq';
import { QueueClosedError, QueueError, QueueFullError } from '../core/errors.js';
import type { RefreshHandler, RefreshQueue, RefreshRequest, Schedule, QueueStatus } from '../core/ports.js';
import { backendOf } from './backend-of.js';
import type { BullMQRefreshOptions } from './bullmq-refresh-options.js';
import { deduplicationId } from './deduplication-id.js';
import { dropSilentConnection } from './drop-silent-connection.js';
import type { OutageReporter } from './outage-reporter.js';
import { ignoreError, isSharedConnection } from './queue-connection.js';
import { encodePayload, type RefreshPayload, TICK, tickPayload } from './refresh-payload.js';
import type { RefreshProcessor } from './refresh-processor.js';
import { settlesWithin } from './settles-within.js';
import { WaitingLimit } from './waiting-limit.js';
import type { WorkerFleet } from './worker-fleet.js';

/**
 * Milliseconds. Without Redis, BullMQ's `add` waits until it returns. After this time the request counts as not
 * accepted.
 */
const REQUEST_TIMEOUT = 1_000;
/**
 * The largest number of requests under way. Further ones are refused, so that a slow Redis does not fill the memory.
 */
const MOST_UNDER_WAY = 10_000;
const MOST_WAITING = 10_000;
/** Where bullmq 5 keeps what waits in a paused queue. bullmq 6 has no such list, and counts none. */
const PAUSED = 'paused' as 'wait';
const CLOSE_TIMEOUT = 500;
const REASSERTION_INTERVAL = 10 * 60 * 1_000;
/** The connection of a Cluster may stay at `connect`. */
const UP: ReadonlySet<string> = new Set(['ready', 'connect']);

/** The members of a connection that are used here. */
interface Client {
  readonly status: string;
  on(event: 'error', listener: () => void): unknown;
  disconnect(): void;
}

export interface BullMQRefreshParts {
  readonly queue: Queue;
  readonly fleet: WorkerFleet;
  /** Undefined in a process that only requests refreshes. */
  readonly processor: RefreshProcessor | undefined;
  readonly options: Pick<BullMQRefreshOptions, 'codec' | 'connection' | 'maxWaiting'>;
  readonly outages: OutageReporter;
}

/** A request as BullMQ takes it. */
interface RefreshJob {
  readonly name: string;
  readonly data: RefreshPayload;
  readonly opts: JobsOptions;
}

/**
 * Carries requests through BullMQ. A request that was not accepted in time may still arrive when Redis is back. That
 * does no harm, because the worker skips what has been refreshed since.
 */
export class BullMQRefreshQueue implements RefreshQueue {
  readonly shared = true;
  /** Undefined until the connection has been ready once. */
  #client: Client | undefined;
  #reassertion: NodeJS.Timeout | undefined;
  /** Schedules of this process. They must exist for as long as the process does. */
  #schedules: readonly Schedule[] = [];
  readonly #stopLooking: () => void;
  readonly #limit: WaitingLimit;
  #underWay = 0;
  /** Calls of `add` that have timed out and have not ended. While there is one, no further call is made. */
  #hanging = 0;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(private readonly parts: BullMQRefreshParts) {
    const { queue, options, outages } = parts;
    this.#limit = new WaitingLimit(options.maxWaiting ?? MOST_WAITING, () => this.#countWaiting());
    queue.on('error', (error) => {
      if (this.#closing === undefined) outages.emitted(error);
    });
    const backend = backendOf(queue);
    this.#stopLooking = dropSilentConnection(backend, options.connection);
    backend.on('ready', () => {
      outages.connected();
      this.#reassert();
    });
    backend.client.then(
      (client) => (this.#client = client),
      // BullMQ reports connection errors by its `error` event, so there is nothing to do here.
      () => undefined,
    );
  }

  async request(requests: readonly RefreshRequest[]): Promise<void> {
    const [first] = requests;
    if (first === undefined) return;
    if (this.#closing !== undefined) throw new QueueClosedError({ job: first.job, key: first.key });
    const obstacle = this.#obstacle(requests.length);
    if (obstacle !== undefined) throw refusal(first, new Error(obstacle));
    this.#underWay += requests.length;
    const adding = this.#add(requests).finally(() => (this.#underWay -= requests.length));
    // A batch has thousands of commands, and each takes Redis about 0.1 ms.
    if (await settlesWithin(adding, REQUEST_TIMEOUT + requests.length)) {
      try {
        await adding;
      } catch (error) {
        throw error instanceof QueueFullError ? error : refusal(first, error);
      }
      return;
    }
    this.#hanging += 1;
    adding.catch(() => undefined).finally(() => (this.#hanging -= 1));
    throw refusal(first, new Error('Redis did not answer in time'));
  }

  async status(): Promise<QueueStatus> {
    const { queue } = this.parts;
    // Without a connection BullMQ keeps its questions, and asks them all when Redis is back.
    const obstacle = this.#obstacle(0);
    if (obstacle !== undefined) throw new QueueError('status', { cause: new Error(obstacle) });
    const asked = Promise.all([
      queue.getJobCounts('wait', 'prioritized'),
      queue.getJobs(['wait', 'prioritized'], 0, 0, true),
      queue.getWorkersCount(),
    ]);
    if (!(await settlesWithin(asked, REQUEST_TIMEOUT))) {
      throw new QueueError('status', { cause: new Error('Redis did not answer in time') });
    }
    const [counts, jobs, workers] = await asked;
    const waiting = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const since = Math.min(...jobs.map(({ timestamp }) => timestamp));
    return { waiting, oldest: jobs.length === 0 ? 0 : Math.max(0, Date.now() - since), workers };
  }

  async isWaiting(requested: Pick<RefreshRequest, 'key' | 'generation'>): Promise<boolean> {
    return (await this.parts.queue.getDeduplicationJobId(deduplicationId(requested))) !== null;
  }

  async withdraw(requested: Pick<RefreshRequest, 'key' | 'generation'>): Promise<void> {
    const obstacle = this.#obstacle(1);
    if (obstacle !== undefined) throw new QueueError('withdraw', { key: requested.key, cause: new Error(obstacle) });
    const withdrawn = this.#remove(deduplicationId(requested));
    if (await settlesWithin(withdrawn, REQUEST_TIMEOUT)) return withdrawn;
    // It may be removed later, when Redis answers again.
    withdrawn.catch(ignoreError);
    throw new QueueError('withdraw', { key: requested.key, cause: new Error('Redis did not answer in time') });
  }

  async #remove(deduplication: string): Promise<void> {
    const id = await this.parts.queue.getDeduplicationJobId(deduplication);
    // A request that runs is locked and is not removed.
    if (id !== null) await this.parts.queue.remove(id);
  }

  async workersFor(key: string): Promise<number> {
    const obstacle = this.#obstacle(0);
    if (obstacle !== undefined) throw new QueueError('status', { key, cause: new Error(obstacle) });
    const knowing = this.parts.fleet.knowing(key);
    if (await settlesWithin(knowing, REQUEST_TIMEOUT)) return knowing;
    throw new QueueError('status', { key, cause: new Error('Redis did not answer in time') });
  }

  process(handler: RefreshHandler, lease?: number, prefixes: () => Iterable<string> = () => []): void {
    const { fleet, processor } = this.parts;
    if (processor === undefined) {
      fleet.look();
      return;
    }
    fleet.join(prefixes, (isClockSetBack) => processor.shortenLocks(isClockSetBack));
    processor.start(handler, lease);
  }

  /**
   * Creates one schedule for the cluster, however many processes ask for it. A process that runs refreshes knows every
   * job, so it removes schedules that it does not know: they are left from an earlier release.
   */
  async schedule(schedules: readonly Schedule[], tick: (name: string) => Promise<void>): Promise<void> {
    this.parts.processor?.onTick(tick);
    clearInterval(this.#reassertion);
    this.#schedules = [];
    try {
      await this.#upsert(schedules);
      if (this.parts.processor !== undefined) await this.#removeOthers(schedules);
    } catch (error) {
      // Redis was unreachable until this process closed. The next process that starts creates the schedule.
      if (this.#closing === undefined) throw error;
    } finally {
      this.#keep(schedules);
    }
  }

  /**
   * Creates the schedules again at intervals: a worker of the old release that starts during a deploy removes those
   * that it does not know, and Redis may return empty.
   */
  #keep(schedules: readonly Schedule[]): void {
    if (schedules.length === 0 || this.#closing !== undefined) return;
    this.#schedules = schedules;
    this.#reassertion = setInterval(this.#reassert, REASSERTION_INTERVAL).unref();
  }

  readonly #reassert = (): void => {
    if (this.#closing === undefined) this.#upsert(this.#schedules).catch(ignoreError);
  };

  async #upsert(schedules: readonly Schedule[]): Promise<void> {
    for (const { name, timing } of schedules) {
      await this.parts.queue.upsertJobScheduler(name, { ...timing }, { name: TICK, data: tickPayload(name) });
    }
  }

  async #removeOthers(schedules: readonly Schedule[]): Promise<void> {
    const wanted = new Set(schedules.map(({ name }) => name));
    for (const { key } of await this.parts.queue.getJobSchedulers()) {
      if (!wanted.has(key)) await this.parts.queue.removeJobScheduler(key);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Nest's hook. The worker must stop before the stores close. */
  onModuleDestroy(): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    clearInterval(this.#reassertion);
    this.#stopLooking();
    const { fleet, outages, processor, queue, options } = this.parts;
    outages.close();
    // At once, so that no other worker hands a request over to this one.
    await Promise.all([processor?.stop(), fleet.leave()]);
    const own = isSharedConnection(options.connection) ? undefined : this.#client;
    own?.on('error', ignoreError);
    if (!(await settlesWithin(queue.close(), CLOSE_TIMEOUT))) own?.disconnect();
  }

  /** The reason why a request cannot succeed now, if there is one. */
  #obstacle(requests: number): string | undefined {
    if (this.#closing !== undefined) return 'it is closed';
    if (this.#hanging > 0) return 'Redis has not answered an earlier request';
    if (this.#client !== undefined && !UP.has(this.#client.status)) return `the connection is ${this.#client.status}`;
    if (this.#underWay > 0 && this.#underWay + requests > MOST_UNDER_WAY) return 'too many requests are under way';
    return undefined;
  }

  /** Delayed ones included: postponed requests come back to those that wait. */
  async #countWaiting(): Promise<number> {
    const counts = await this.parts.queue.getJobCounts('wait', PAUSED, 'prioritized', 'delayed');
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  /** Adds those for which there is room, in their order. Rejects when some are left out. */
  async #add(requests: readonly RefreshRequest[]): Promise<void> {
    const jobs = this.#limit.isFull ? [] : requests.map((request) => this.#jobOf(request));
    const sizes = jobs.map(
      ({ data: { args, context = '', others = '' } }) => args.length + context.length + others.length,
    );
    const added = await this.#limit.send(sizes, (room) => this.#addAll(jobs.slice(0, room)));
    const refused = requests[added];
    if (refused !== undefined) throw new QueueFullError(this.#limit.most, { job: refused.job, key: refused.key });
  }

  #jobOf(request: RefreshRequest): RefreshJob {
    const data = encodePayload(request, this.parts.options.codec);
    return { name: request.job, data, opts: jobOptions(request) };
  }

  async #addAll(jobs: readonly RefreshJob[]): Promise<void> {
    const [first] = jobs;
    if (jobs.length === 1 && first !== undefined) await this.parts.queue.add(first.name, first.data, first.opts);
    else await this.parts.queue.addBulk([...jobs]);
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

function refusal({ job, key }: RefreshRequest, cause: unknown): QueueError {
  return new QueueError('request', { job, key, cause });
}
