import { CachedJob } from './cached-job.js';
import { Counters } from './stats/counters.js';
import type { JobStats } from './stats/job-stats.js';
import { AsyncCacheError, ConfigurationError, QueueError } from './errors.js';
import { type Environment, JobCore } from './job/job-core.js';
import type { JobDefinition } from './job/job.js';
import type { FailingKeys } from './job/failing-keys.js';
import { keepWarm } from './refresh/keep-warm.js';
import { tagList } from './policy/option-checks.js';
import { type Arguments, LONGEST_LEASE, type Target } from './policy/policy.js';
import type { Awaitable, QueueStatus, RefreshQueue, Schedule, Store } from './ports.js';
import { Refresher } from './refresh/refresh.js';
import { RefreshRequests } from './job/refresh-requests.js';

type Tail<List extends readonly unknown[]> = List extends readonly [unknown, ...infer Rest] ? Rest : never;

export interface CacheParts {
  readonly store: Store;
  /** Further stores, by the name that the option `store` of a job gives. */
  readonly stores: ReadonlyMap<string, Store>;
  /** Runs refreshes in this process: all of them, or those that `queue` does not take. */
  readonly inProcess: RefreshQueue;
  /** Carries refresh requests to other processes. */
  readonly queue?: RefreshQueue | undefined;
  readonly environment: Environment;
}

type TakeBack = () => Promise<void>;

/** Milliseconds. */
export interface CacheHealth {
  /** By name, whether each can be reached. */
  readonly stores: Readonly<Record<string, boolean>>;
  /** Undefined: it cannot be reached. `workers` counts those for the job that the fewest know. */
  readonly queue: QueueStatus | undefined;
  /** For how long refreshes of one key have been failing in this process. */
  readonly failingFor: number;
}

/** No key of a job, so nothing is ever found under it. */
const PROBE = 'health';

function failingOf(all: readonly FailingKeys[]): Pick<JobStats, 'failing' | 'nextAttempt'> {
  const failing = all.reduce((sum, { size }) => sum + size, 0);
  const next = all.flatMap(({ nextAttempt }) => nextAttempt ?? []);
  return next.length === 0 ? { failing } : { failing, nextAttempt: new Date(Math.min(...next)) };
}

async function isReachable(store: Store): Promise<boolean> {
  try {
    await store.read(PROBE);
    await store.leaseRemaining?.(PROBE);
    return true;
  } catch {
    return false;
  }
}

/** The jobs of one application, with the stores and the queues that they share. */
export class Cache {
  readonly #jobs = new Map<string, CachedJob>();
  readonly #requests: RefreshRequests;
  readonly #refresher: Refresher;

  constructor(private readonly parts: CacheParts) {
    const { environment, queue, inProcess } = parts;
    const { clock, observer } = environment;
    this.#requests = new RefreshRequests(clock, observer, inProcess, queue);
    this.#refresher = new Refresher(observer, (name) => this.#jobs.get(name)?.core);
    // Only reads of this process request here, so every job that arrives is defined.
    inProcess.process((request) => this.#refresher.run(request));
  }

  /** Adds a job. Throws a {@link ConfigurationError} if its name is taken or its store is not configured. */
  define(definition: JobDefinition): CachedJob {
    const { name } = definition;
    if (this.#jobs.has(name)) {
      throw new ConfigurationError(
        `Two jobs have the name ${name}`,
        'Give one of them a name of its own with the option `name`',
        { job: name },
      );
    }
    this.#assertTiming(definition);
    const store = this.#storeOf(definition);
    const job = new CachedJob(new JobCore(definition, store, this.parts.environment, this.#requests));
    this.#jobs.set(name, job);
    return job;
  }

  get(name: string): CachedJob | undefined {
    return this.#jobs.get(name);
  }

  jobs(): IterableIterator<CachedJob> {
    return this.#jobs.values();
  }

  /**
   * Starts to run what other processes request. Call it when every job is defined, so that no request finds its job
   * unknown.
   */
  work(): void {
    const { queue, inProcess } = this.parts;
    const leases = [...this.#jobs.values()].map(({ core }) => core.policy.lease);
    queue?.process(
      (request) => this.#refresher.run(request),
      Math.min(LONGEST_LEASE, ...leases),
      () => this.#keyPrefixes(),
    );
    const schedules: Schedule[] = [];
    for (const { name, core } of this.#jobs.values()) {
      const { refreshEvery, warmOnStart } = core.policy;
      if (refreshEvery !== undefined) schedules.push({ name, timing: refreshEvery.timing });
      if (warmOnStart !== undefined) void this.#keepWarm(core, warmOnStart, 'not fresh');
    }
    void this.#schedule(queue ?? inProcess, schedules);
  }

  /** Redis may be unreachable at start-up. Schedules of the last start then go on, and the failure is reported once. */
  async #schedule(queue: RefreshQueue, schedules: readonly Schedule[]): Promise<void> {
    try {
      await queue.schedule(schedules, async (name) => {
        const core = this.#jobs.get(name)?.core;
        const lists = core?.policy.refreshEvery?.args;
        if (core !== undefined && lists !== undefined) await this.#keepWarm(core, lists, 'all');
      });
    } catch (cause) {
      const error = cause instanceof AsyncCacheError ? cause : new QueueError('schedule', { cause });
      this.parts.environment.observer.observe({ type: 'queue-failed', job: '', key: '', error });
    }
  }

  async #keepWarm(core: JobCore, ...how: Tail<Parameters<typeof keepWarm>>): Promise<void> {
    try {
      await keepWarm(core, ...how);
    } catch (error) {
      core.reportRefreshFailure(core.name, error, 1, 0);
    }
  }

  /**
   * Puts a refresh into the shared queue that is due in `delay` milliseconds, whether or not this process is alive then.
   * Resolves when the queue has accepted it, to a function that takes it back. Undefined where there is no shared queue.
   * Rejects with a {@link QueueError} when the queue does not accept it.
   */
  async entrust(name: string, target: Target, args: Arguments, delay: number): Promise<TakeBack | undefined> {
    const { queue } = this.parts;
    const core = this.#jobs.get(name)?.core;
    if (core === undefined || queue?.shared !== true) return undefined;
    const { queue: options } = core.policy;
    const request = {
      job: name,
      key: core.keys.of(target, args, undefined),
      generation: '',
      args: core.argumentCopies.pack(args),
      options: { ...options, delay },
    };
    await queue.request([request]);
    return async () => queue.withdraw?.(request);
  }

  /** Makes every entry with one of the tags stale, in every store. */
  async invalidateTags(tags: readonly string[]): Promise<void> {
    await this.#inEveryStore((store) => store.invalidateTags(tagList('invalidateTags', tags)));
  }

  /** Removes every entry with one of the tags, from every store. */
  async deleteTags(tags: readonly string[]): Promise<void> {
    await this.#inEveryStore((store) => store.deleteTags(tagList('deleteTags', tags)));
  }

  /** Removes every entry of this application, from every store. */
  async clear(): Promise<void> {
    await this.#inEveryStore((store) => store.clear());
  }

  /** What waits in the queue; undefined while it cannot be reached. Never rejects. */
  async queueStatus(): Promise<QueueStatus | undefined> {
    const { queue, inProcess } = this.parts;
    try {
      return await (queue ?? inProcess).status?.();
    } catch {
      return undefined;
    }
  }

  /** Whether stores and queue can be reached, and what waits and fails. Never rejects. */
  async health(): Promise<CacheHealth> {
    const { store, stores, environment } = this.parts;
    const all: [string, Store][] = [['main', store], ...stores];
    const probed = await Promise.all(all.map(async ([name, each]) => [name, await isReachable(each)] as const));
    const queue = await this.#queueOfOwnJobs();
    const since = [...this.#jobs.values()].flatMap(({ core }) => core.failing.oldest ?? []);
    const failingFor = since.length === 0 ? 0 : environment.clock.now() - Math.min(...since);
    return { stores: Object.fromEntries(probed), queue, failingFor };
  }

  /** Workers that know none of these jobs, of a neighbour or of another release, refresh nothing here. */
  async #queueOfOwnJobs(): Promise<QueueStatus | undefined> {
    const status = await this.queueStatus();
    if (status === undefined) return undefined;
    const queue = this.parts.queue ?? this.parts.inProcess;
    try {
      const known = await Promise.all(this.#keyPrefixes().map(async (prefix) => queue.workersFor?.(prefix)));
      return { ...status, workers: Math.min(...known.map((workers) => workers ?? status.workers), status.workers) };
    } catch {
      return undefined;
    }
  }

  /** What the keys of each job begin with. */
  #keyPrefixes(): string[] {
    return [...this.#jobs.values()].map(({ core }) => core.keys.prefix);
  }

  /** Counts of this process since it started. */
  stats(): JobStats & { readonly jobs: Readonly<Record<string, JobStats>> } {
    const all = new Counters();
    const jobs: Record<string, JobStats> = {};
    for (const { name, core } of this.#jobs.values()) {
      jobs[name] = { ...core.counters.snapshot(), ...failingOf([core.failing]) };
      all.add(core.counters);
    }
    return { ...all.snapshot(), ...failingOf([...this.#jobs.values()].map(({ core }) => core.failing)), jobs };
  }

  async #inEveryStore(act: (store: Store) => Awaitable<void>): Promise<void> {
    const stores = new Set([this.parts.store, ...this.parts.stores.values()]);
    await Promise.all([...stores].map(async (store) => act(store)));
  }

  /** Without this check, a pattern that is never due would be noticed only by its stale values. */
  #assertTiming({ name, policy }: JobDefinition): void {
    const timing = policy.refreshEvery?.timing;
    if (timing === undefined || 'every' in timing) return;
    const { clock, timetable } = this.parts.environment;
    try {
      timetable.next(timing, clock.now());
    } catch (cause) {
      const zone = timing.tz === undefined ? '' : ` in the time zone '${timing.tz}'`;
      throw new ConfigurationError(
        `refreshEvery of ${name} has the pattern '${timing.pattern}'${zone}, which cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
        "Give a cron pattern such as '0 3 * * *', and a time zone by its name, such as 'Europe/Vienna'",
        { job: name, cause },
      );
    }
  }

  #storeOf({ name, policy }: JobDefinition): Store {
    if (policy.store === undefined) return this.parts.store;
    const store = this.parts.stores.get(policy.store);
    if (store !== undefined) return store;
    const known = [...this.parts.stores.keys()].join(', ') || 'none';
    throw new ConfigurationError(
      `${name} wants the store '${policy.store}', which is not configured (named stores: ${known})`,
      'Add it to `stores` of forRoot, or correct the name',
      { job: name },
    );
  }
}
