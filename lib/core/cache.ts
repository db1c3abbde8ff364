import { CachedJob } from './cached-job.js';
import { Counters, type JobStats } from './counters.js';
import { ConfigurationError } from './errors.js';
import { type Environment, JobCore } from './job-core.js';
import type { JobDefinition } from './job.js';
import { keepWarm } from './keep-warm.js';
import { tagList } from './option-checks.js';
import { LONGEST_LEASE } from './policy.js';
import type { Awaitable, RefreshQueue, Schedule, Store } from './ports.js';
import { Refresher } from './refresh.js';
import { RefreshRequests } from './refresh-requests.js';

type Tail<List extends readonly unknown[]> = List extends readonly [unknown, ...infer Rest] ? Rest : never;

export interface CacheParts {
  readonly store: Store;
  /** Further stores, by the name that a job's `store` option says. */
  readonly stores: ReadonlyMap<string, Store>;
  /** Refreshes in this process: all, or only what `queue` does not take. */
  readonly inProcess: RefreshQueue;
  /** Carries requests to other processes. */
  readonly queue?: RefreshQueue | undefined;
  readonly environment: Environment;
}

/** The jobs of one application, with the stores and the queue that they share. */
export class Cache {
  readonly #jobs = new Map<string, CachedJob>();
  readonly #requests: RefreshRequests;
  readonly #refresher: Refresher;

  constructor(private readonly parts: CacheParts) {
    const { environment, queue, inProcess } = parts;
    const { clock, observer } = environment;
    this.#requests = new RefreshRequests(clock, observer, inProcess, queue);
    this.#refresher = new Refresher(observer, (name) => this.#jobs.get(name)?.core);
    // Only this process's own reads ask here, so every job it can meet is defined.
    inProcess.process((request) => this.#refresher.run(request));
  }

  /** Adds a job. Throws a {@link ConfigurationError} if its name is taken or its store is not configured. */
  define(definition: JobDefinition): CachedJob {
    const { name } = definition;
    if (this.#jobs.has(name)) {
      throw new ConfigurationError(
        `There are two jobs of the name ${name}`,
        'Give one of them a name of its own with the option `name`',
        { job: name },
      );
    }
    const store = this.#storeOf(definition);
    const job = new CachedJob(
      new JobCore(definition, store, this.parts.environment, this.#requests),
    );
    this.#jobs.set(name, job);
    return job;
  }

  get(name: string): CachedJob | undefined {
    return this.#jobs.get(name);
  }

  jobs(): IterableIterator<CachedJob> {
    return this.#jobs.values();
  }

  /** Begins to run what other processes ask for; when every job is defined, so that none is unknown without reason. */
  work(): void {
    const { queue, inProcess } = this.parts;
    const leases = [...this.#jobs.values()].map(({ core }) => core.policy.lease);
    queue?.process((request) => this.#refresher.run(request), Math.min(LONGEST_LEASE, ...leases));
    const schedules: Schedule[] = [];
    for (const { name, core } of this.#jobs.values()) {
      const { refreshEvery, warmOnStart } = core.policy;
      if (refreshEvery !== undefined) schedules.push({ name, every: refreshEvery.every });
      if (warmOnStart !== undefined) void this.#keepWarm(core, warmOnStart, 'not fresh');
    }
    void this.#schedule(queue ?? inProcess, schedules);
  }

  /** Redis may be away at start: the schedule of the last start goes on then, and this is told once. */
  async #schedule(queue: RefreshQueue, schedules: readonly Schedule[]): Promise<void> {
    try {
      await queue.schedule(schedules, async (name) => {
        const core = this.#jobs.get(name)?.core;
        const lists = core?.policy.refreshEvery?.args;
        if (core !== undefined && lists !== undefined) await this.#keepWarm(core, lists, 'all');
      });
    } catch (error) {
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

  /** Counted in this process since it started. */
  stats(): JobStats & { readonly jobs: Readonly<Record<string, JobStats>> } {
    const all = new Counters();
    const jobs: Record<string, JobStats> = {};
    for (const { name, core } of this.#jobs.values()) {
      jobs[name] = core.counters.snapshot();
      all.add(core.counters);
    }
    return { ...all.snapshot(), jobs };
  }

  async #inEveryStore(act: (store: Store) => Awaitable<void>): Promise<void> {
    const stores = new Set([this.parts.store, ...this.parts.stores.values()]);
    await Promise.all([...stores].map(async (store) => act(store)));
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
