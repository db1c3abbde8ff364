import { type RedisServer, startRedis } from '../../support/redis-server.js';
import { SettableClock } from '../../support/settable-clock.js';
import { CacheProcess, type ProcessSettings } from './cache-process.js';
import { type JobName, JOBS } from './jobs.js';
import { Origin } from './origin.js';

export interface ClusterOptions {
  /** Processes that only request refreshes. */
  readonly webs: number;
  /** Processes that also run them. */
  readonly workers: number;
  readonly jobs: readonly JobName[];
  /** Whether processes have copies. *Default:* false, so that every read goes to Redis. */
  readonly near?: boolean;
  /** Refreshes at a time in one worker. *Default:* 50. */
  readonly concurrency?: number;
  readonly storeTimeout?: string;
  /** The queue has a Redis of its own. *Default:* false. */
  readonly ownQueue?: boolean;
  /** By how many minutes the clocks are wrong, one process after another. *Default:* they are right. */
  readonly clockOffsets?: readonly number[];
  /** The clock of Redis can be set. *Default:* false. */
  readonly settableClock?: boolean;
  /** What the processes do wrong on purpose: a name in `sabotages.mjs`. */
  readonly sabotage?: string;
}

/** Web and worker processes on one Redis, and the origin that they fetch from. */
export class Cluster {
  readonly origin = new Origin();
  readonly webs: CacheProcess[] = [];
  readonly workers: CacheProcess[] = [];
  /** How many processes of each role were ever started. */
  readonly #started = { web: 0, worker: 0 };
  #stopped = false;

  private constructor(
    readonly options: ClusterOptions,
    readonly redis: RedisServer,
    readonly queueRedis: RedisServer,
    private readonly clock: SettableClock | undefined,
  ) {}

  static async start(options: ClusterOptions): Promise<Cluster> {
    const clock = options.settableClock ? new SettableClock() : undefined;
    const redis = await startRedis(clock === undefined ? {} : { env: clock.env });
    const queueRedis = options.ownQueue ? await startRedis() : redis;
    const cluster = new Cluster(options, redis, queueRedis, clock);
    try {
      await Promise.all([
        ...Array.from({ length: options.webs }, () => cluster.add('web')),
        ...Array.from({ length: options.workers }, () => cluster.add('worker')),
      ]);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get all(): CacheProcess[] {
    return [...this.webs, ...this.workers];
  }

  async add(role: 'web' | 'worker'): Promise<CacheProcess> {
    const number = ++this.#started[role];
    const added = await CacheProcess.start(role, number, this.#settings(role, number), this.origin);
    if (this.#stopped) {
      await added.kill();
      return added;
    }
    const list = role === 'web' ? this.webs : this.workers;
    // In the order of their numbers, however long each took to start.
    const after = list.findIndex((other) => other.number > number);
    list.splice(after === -1 ? list.length : after, 0, added);
    return added;
  }

  /** SIGKILL, without a replacement. */
  async kill(process: CacheProcess): Promise<void> {
    for (const list of [this.webs, this.workers]) {
      const index = list.indexOf(process);
      if (index !== -1) list.splice(index, 1);
    }
    await process.kill();
  }

  /** By how many milliseconds the clock of Redis differs from the host's, from now on. */
  setServerClock(offset: number): void {
    if (this.clock === undefined) throw new Error('The clock of this Redis cannot be set');
    this.clock.set(offset);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.all.map((process) => process.kill()));
    await Promise.all([...new Set([this.redis, this.queueRedis])].map((redis) => redis.stop()));
    this.clock?.remove();
  }

  #settings(role: 'web' | 'worker', number: number): ProcessSettings {
    const { jobs, near = false, concurrency = 50, storeTimeout, clockOffsets = [0], sabotage } = this.options;
    const connectionOf = ({ port }: RedisServer): object => ({ host: '127.0.0.1', port });
    // Webs and workers start at different places of the list.
    const turn = number + (role === 'web' ? 0 : 1);
    return {
      jobs: Object.fromEntries(jobs.map((name) => [name, JOBS[name]])),
      options: {
        connection: connectionOf(this.queueRedis),
        store: { connection: connectionOf(this.redis) },
        worker: role === 'web' ? false : { concurrency },
        ...(near ? {} : { near: false }),
        ...(storeTimeout === undefined ? {} : { storeTimeout }),
      },
      clockOffset: (clockOffsets[turn % clockOffsets.length] ?? 0) * 60_000,
      sabotage,
    };
  }
}
