import type { CachedJob } from '../../lib/core/cached-job.js';
import type {
  Awaitable,
  Clock,
  Lease,
  RefreshHandler,
  RefreshOutcome,
  RefreshQueue,
  RefreshRequest,
  Store,
} from '../../lib/core/ports.js';
import { identityOf } from '../../lib/core/job/refresh-identity.js';
import { SimFeed } from './feed.js';
import { Link } from './network.js';
import { ROUND_TRIP } from './network.js';
import { Reports } from './reports.js';
import type { Owner } from './scheduler.js';
import { NEAR_AGE, REFRESH_TIMEOUT, STORE_TIMEOUT } from './settings.js';
import type { KnownLease } from './store-server.js';
import type { World } from './world.js';

interface Requested {
  readonly generation: string;
  readonly at: number;
}

/** Milliseconds for which a request for a key without a value prevents others. */
const NOTHING_REMEMBERED = 1_000;
/** Milliseconds for which a process with copies does not use a store that has failed. */
const ALONE = 500;

/** One process with its own cache. Everything that it does ends with it. */
export class SimProcess implements Owner {
  dead = false;
  frozenUntil = 0;
  readonly link: Link;
  readonly feed: SimFeed | undefined;
  /** Operations of the store that failed, as the cache saw it. */
  storeFailures = 0;
  storeFailedAt = 0;
  /**
   * Keys whose fetch was revoked and that have not been requested since, with the generation that was to be replaced.
   */
  readonly followUps = new Map<string, string | undefined>();
  readonly reports: Reports;
  readsUnderWay = 0;
  readonly job: CachedJob;
  readonly cache: InstanceType<World['core']['Cache']>;
  /** Leases that this process was granted and for which it has not begun to fetch. */
  readonly #leases = new Map<string, KnownLease[]>();
  readonly #changes = new Map<string, number>();
  readonly #refreshing = new Set<string>();
  readonly #requested = new Map<string, Requested>();
  /** When a refresh of a key ended in this process. */
  readonly #endedAt = new Map<string, number>();
  /**
   * When a background refresh wrote a key, or learned that it must not. Other keys of its batch may still be running.
   */
  readonly #committedAt = new Map<string, number>();
  #handler: RefreshHandler | undefined;

  constructor(
    private readonly world: World,
    readonly name: string,
    /** Whether it runs requests of other processes. */
    readonly works: boolean,
  ) {
    const { scheduler, settings, random, core } = world;
    const skew = random.between(-900_000, 900_000);
    const clock: Clock = {
      now: () => scheduler.now + skew,
      schedule: (ms, run) => scheduler.after(ms, run, this),
      defer: (run) => void scheduler.after(0, run, this),
    };
    this.reports = new Reports(world, this);
    this.link = new Link(scheduler, random, world.weather, this, settings.inOrder);
    this.feed = settings.near ? new SimFeed(world, this) : undefined;
    const inProcess = this.#watchedQueue(new core.InProcessRefreshQueue({ clock }), !settings.sharedQueue);
    const queue = settings.sharedQueue ? this.#watchedQueue(world.queue.of(this), true) : undefined;
    const cache = new core.Cache({
      store: this.#store(clock),
      stores: new Map(),
      inProcess,
      queue,
      environment: {
        clock,
        valueTypes: new core.ValueTypeRegistry(),
        restoreError: (error) => error,
        timetable: { next: (_, after) => after + 1_000 },
        random: random.next,
        observer: { active: true, observe: (event) => this.reports.observe(event) },
      },
    });
    const fetchMany = (_: object, lists: readonly (readonly unknown[])[]): Promise<number[]> =>
      world.origin.fetchMany(
        this,
        lists.map(([name]) => world.keyOf(name as string)),
      );
    this.job = cache.define({
      name: 'J',
      policy: world.policy,
      fetch: (_, [name]) => world.origin.fetch(this, world.keyOf(name as string)),
      fetchMany: settings.batches ? fetchMany : undefined,
      resolve: () => this,
    });
    this.cache = cache;
    if (works) cache.work();
  }

  get isFrozen(): boolean {
    return this.frozenUntil > this.world.scheduler.now;
  }

  /** Whether its store has failed so recently that it may use what it did alone. */
  get worksAlone(): boolean {
    return this.feed !== undefined && this.world.scheduler.now - this.storeFailedAt <= NEAR_AGE + 2 * ALONE;
  }

  /** Whether it may fetch without a lease of the store. A batch ends when its last key does. */
  get mayFetchAlone(): boolean {
    const since = this.world.scheduler.now - this.storeFailedAt;
    return (
      since === 0 ||
      (this.feed !== undefined && since < ALONE) ||
      (this.world.settings.batches && since <= STORE_TIMEOUT)
    );
  }

  /** A request from another process. */
  refresh(request: RefreshRequest, attempt: number): Promise<RefreshOutcome> {
    return this.#refresh(this.#handler!, request, attempt);
  }

  isRefreshing(request: RefreshRequest): boolean {
    return this.#refreshing.has(identityOf(request));
  }

  /** The lease of a fetch that begins. */
  beginFetch(key: string): KnownLease | undefined {
    // What has just failed is fetched without a lease, so it does not use a lease that arrived in the same instant.
    return this.storeFailedAt === this.world.scheduler.now ? undefined : this.#leases.get(key)?.shift();
  }

  /** Another process was faster than a claim of this one. */
  sawChange(key: string): void {
    this.#changes.set(key, this.changesOf(key) + 1);
  }

  changesOf(key: string): number {
    return this.#changes.get(key) ?? 0;
  }

  #store(clock: Clock): Store {
    const { core, settings, server } = this.world;
    const session = server.sessionOf(this);
    if (settings.embedded) return this.#watched(session);
    const guarded = new core.GuardedStore(this.#remote(session), STORE_TIMEOUT, clock);
    const watched = this.#watched(guarded);
    if (this.feed === undefined) return watched;
    return new core.NearStore({
      store: watched,
      feed: this.feed,
      clock,
      max: 100,
      age: NEAR_AGE,
      onRestored: () => {
        guarded.resume();
      },
      onFailure: (operation, key, error) => {
        if (!(error instanceof core.StoreSuspendedError)) {
          this.reports.observe({ type: 'store-failed', job: '', key, operation, error });
        }
      },
    });
  }

  #remote(session: Store): Store {
    const { link } = this;
    // In the simulation a session answers without a promise.
    const call = <Result>(execute: () => Awaitable<Result>): Promise<Result> => link.call(execute as () => Result);
    return {
      capabilities: session.capabilities,
      now: () => session.now(),
      read: (key) => call(() => session.read(key)),
      readMany: (keys) => call(() => session.readMany(keys)),
      acquire: (key, claim) => call(() => session.acquire(key, claim)),
      renew: (lease, ms) => call(() => session.renew(lease, ms)),
      commit: (lease, fill) => call(() => session.commit(lease, fill)),
      release: (lease, ending, tags) => call(() => session.release(lease, ending, tags)),
      set: (key, fill) => call(() => session.set(key, fill)),
      invalidate: (key) => call(() => session.invalidate(key)),
      delete: (key) => call(() => session.delete(key)),
      invalidateTags: (tags) => call(() => session.invalidateTags(tags)),
      deleteTags: (tags) => call(() => session.deleteTags(tags)),
      invalidateAll: (prefix) => call(() => session.invalidateAll(prefix)),
      deleteAll: (prefix) => call(() => session.deleteAll(prefix)),
      clear: () => call(() => session.clear()),
      close: () => undefined,
    };
  }

  /** Records failures, and the leases that arrive. */
  #watched(store: Store): Store {
    const failed = (error: unknown, reported: boolean): never => {
      this.storeFailures++;
      this.storeFailedAt = this.world.scheduler.now;
      if (reported && !(error instanceof this.world.core.StoreSuspendedError)) this.reports.expect(error);
      throw error;
    };
    const watch = <Result>(result: Awaitable<Result>, reported = true): Awaitable<Result> =>
      result instanceof Promise ? result.then(undefined, (error: unknown) => failed(error, reported)) : result;
    const arrived = <Acquired extends { kind: string; lease?: { token: string } }>(acquired: Acquired): Acquired => {
      const lease = acquired.lease === undefined ? undefined : this.world.server.leaseOf(acquired.lease.token);
      if (lease !== undefined) {
        const leases = this.#leases.get(lease.key);
        if (leases === undefined) this.#leases.set(lease.key, [lease]);
        else leases.push(lease);
      }
      return acquired;
    };
    return {
      capabilities: store.capabilities,
      now: () => store.now(),
      read: (key) => watch(store.read(key)),
      readMany: (keys) => watch(store.readMany(keys)),
      acquire: (key, claim) => {
        const acquired = store.acquire(key, claim);
        return acquired instanceof Promise ? watch(acquired.then(arrived)) : arrived(acquired);
      },
      renew: (lease, ms) => watch(store.renew(lease, ms)),
      commit: async (lease, fill) => {
        const result = await watch(store.commit(lease, fill));
        const isBackground = this.world.server.leaseOf(lease.token)?.background === true;
        if (isBackground && result !== 'revoked') this.#committedAt.set(lease.key, this.world.scheduler.now);
        return result;
      },
      release: (lease, ending, tags) => {
        this.#endLease(lease);
        return watch(store.release(lease, ending, tags));
      },
      set: (key, fill) => watch(store.set(key, fill), false),
      invalidate: (key) => watch(store.invalidate(key), false),
      delete: (key) => watch(store.delete(key), false),
      invalidateTags: (tags) => watch(store.invalidateTags(tags), false),
      deleteTags: (tags) => watch(store.deleteTags(tags), false),
      invalidateAll: (prefix) => watch(store.invalidateAll(prefix), false),
      deleteAll: (prefix) => watch(store.deleteAll(prefix), false),
      clear: () => watch(store.clear(), false),
      close: () => undefined,
    };
  }

  #endLease({ key, token }: Lease): void {
    const leases = this.#leases.get(key);
    const index = leases?.findIndex((lease) => lease.token === token) ?? -1;
    if (index >= 0) leases?.splice(index, 1);
  }

  #watchedQueue(queue: RefreshQueue, first: boolean): RefreshQueue {
    return {
      shared: queue.shared === true,
      request: (requests) => {
        if (first) for (const request of requests) this.#checkRequest(request);
        const taken = queue.request(requests);
        if (!(taken instanceof Promise)) return taken;
        return taken.catch((error: unknown) => {
          for (const { key } of requests) this.#requested.delete(key);
          throw error;
        });
      },
      process: (handler) => {
        if (first) this.#handler = handler;
        queue.process((request, attempt) => this.#refresh(handler, request, attempt));
      },
      schedule: (schedules, tick) => queue.schedule(schedules, tick),
      close: () => queue.close(),
    };
  }

  /** The same refresh is not requested twice unless the first request is lost. */
  #checkRequest(request: RefreshRequest): void {
    const { scheduler, settings } = this.world;
    for (const { key, generation } of [request, ...(request.others ?? [])]) {
      this.world.note(() => `${this.name} requests ${key} / ${generation.slice(generation.indexOf('.') + 1)}`);
      const former = this.#requested.get(key);
      const remembered = generation === '' ? NOTHING_REMEMBERED : REFRESH_TIMEOUT;
      const again = former?.generation === generation && scheduler.now < former.at + remembered;
      const isDone = former !== undefined && (this.#committedAt.get(key) ?? -Infinity) >= former.at;
      // A failure makes another state of the same generation, and after the end of a refresh it may be requested again.
      if (
        again &&
        !settings.faults.has('origin') &&
        !this.world.disturbed &&
        !isDone &&
        this.#endedAt.get(key) !== former.at
      ) {
        this.world.violate('I5', `${this.name} requested ${key} twice in the same state`);
      }
      this.followUps.delete(key);
      this.#requested.set(key, { generation, at: scheduler.now });
    }
  }

  async #refresh(handler: RefreshHandler, request: RefreshRequest, attempt: number): Promise<RefreshOutcome> {
    const id = identityOf(request);
    const requested = [request, ...(request.others ?? [])];
    this.world.beginRefresh(id, this);
    this.#refreshing.add(id);
    const outcome = await handler(request, attempt);
    this.#refreshing.delete(id);
    this.world.endRefresh(id, this);
    for (const { key, generation } of requested) {
      this.#requested.delete(key);
      this.#endedAt.set(key, this.world.scheduler.now);
      const isOver = outcome.kind === 'stored' || outcome.kind === 'skipped';
      // A key of a batch is requested again in a moment.
      if (isOver && !this.world.disturbed && this.followUps.get(key) === generation) {
        this.world.scheduler.after(ROUND_TRIP, () => {
          if (this.world.disturbed || this.followUps.get(key) !== generation) return;
          this.world.violate('I5', `${this.name} was refused ${key} as invalidated, and did not fetch once more`);
        });
      }
    }
    this.world.note(() => `${this.name} ends a refresh of ${requested.map(({ key }) => key).join()}: ${outcome.kind}`);
    return outcome;
  }
}
