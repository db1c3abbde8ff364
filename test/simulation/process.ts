import type { CachedJob } from '../../lib/core/cached-job.js';
import type { Awaitable, Clock, Lease, RefreshHandler, RefreshOutcome, RefreshQueue, RefreshRequest, Store } from '../../lib/core/ports.js';
import { identityOf } from '../../lib/core/refresh-identity.js';
import { SimFeed } from './feed.js';
import { Link } from './network.js';
import { Reports } from './reports.js';
import type { Owner } from './scheduler.js';
import { NEAR_AGE, REFRESH_TIMEOUT, STORE_TIMEOUT } from './settings.js';
import type { KnownLease } from './store-server.js';
import type { World } from './world.js';

interface Requested {
  readonly generation: string;
  readonly at: number;
}

/** How long a request for a key without a value keeps others back. */
const NOTHING_REMEMBERED = 1_000;
/** How long a process with copies leaves a store alone that has failed. */
const ALONE = 500;

/** One process with a cache of its own. What it does ends with it. */
export class SimProcess implements Owner {
  dead = false;
  frozenUntil = 0;
  readonly link: Link;
  readonly feed: SimFeed | undefined;
  /** Operations of the store that failed here, by what the cache saw. */
  storeFailures = 0;
  storeFailedAt = 0;
  /** Keys whose fetch was revoked, and that nobody has asked for since; with the generation that was to be replaced. */
  readonly followUps = new Map<string, string | undefined>();
  readonly reports: Reports;
  readsUnderWay = 0;
  readonly job: CachedJob;
  readonly cache: InstanceType<World['core']['Cache']>;
  /** Leases that this process was given and has not begun to fetch for. */
  readonly #leases = new Map<string, KnownLease[]>();
  readonly #changes = new Map<string, number>();
  readonly #refreshing = new Set<string>();
  readonly #requested = new Map<string, Requested>();
  /** When a refresh of a key ended here. */
  readonly #endedAt = new Map<string, number>();
  /** When a refresh in the background wrote a key, or was told that it may not: of a batch, others may go on. */
  readonly #committedAt = new Map<string, number>();
  #handler: RefreshHandler | undefined;

  constructor(
    private readonly world: World,
    readonly name: string,
    /** Runs what others ask for. */
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
      environment: { clock, random: random.next, observer: { active: true, observe: (event) => this.reports.observe(event) } },
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

  /** Its store has failed so lately that it may go by what it has done alone. */
  get worksAlone(): boolean {
    return this.feed !== undefined && this.world.scheduler.now - this.storeFailedAt <= NEAR_AGE + 2 * ALONE;
  }

  /** It need not have asked the store for a lease. A batch ends when the last of its keys has. */
  get mayFetchAlone(): boolean {
    const since = this.world.scheduler.now - this.storeFailedAt;
    return since === 0 || (this.feed !== undefined && since < ALONE) || (this.world.settings.batches && since <= STORE_TIMEOUT);
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
    // What has just failed is fetched without one; that is no use of a lease that came in the same instant.
    return this.storeFailedAt === this.world.scheduler.now ? undefined : this.#leases.get(key)?.shift();
  }

  /** Somebody else was quicker than a claim of this process. */
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
      release: (lease, ending) => call(() => session.release(lease, ending)),
      set: (key, fill) => call(() => session.set(key, fill)),
      invalidate: (key) => call(() => session.invalidate(key)),
      delete: (key) => call(() => session.delete(key)),
      invalidateTags: (tags) => call(() => session.invalidateTags(tags)),
      deleteTags: (tags) => call(() => session.deleteTags(tags)),
      clear: () => call(() => session.clear()),
      close: () => undefined,
    };
  }

  /** Notes what fails, and which leases arrive. */
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
      release: (lease, ending) => {
        this.#endLease(lease);
        return watch(store.release(lease, ending));
      },
      set: (key, fill) => watch(store.set(key, fill), false),
      invalidate: (key) => watch(store.invalidate(key), false),
      delete: (key) => watch(store.delete(key), false),
      invalidateTags: (tags) => watch(store.invalidateTags(tags), false),
      deleteTags: (tags) => watch(store.deleteTags(tags), false),
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

  /** The same is not requested twice while it is not lost. */
  #checkRequest(request: RefreshRequest): void {
    const { scheduler, settings } = this.world;
    for (const { key, generation } of [request, ...(request.others ?? [])]) {
      this.world.note(() => `${this.name} requests ${key} / ${generation.slice(generation.indexOf('.') + 1)}`);
      const former = this.#requested.get(key);
      const remembered = generation === '' ? NOTHING_REMEMBERED : REFRESH_TIMEOUT;
      const again = former?.generation === generation && scheduler.now < former.at + remembered;
      const isDone = former !== undefined && (this.#committedAt.get(key) ?? -Infinity) >= former.at;
      // A failure in between is another state of the same generation, and after the end of a refresh it may be asked for.
      if (again && !settings.faults.has('origin') && !this.world.disturbed && !isDone && this.#endedAt.get(key) !== former.at) {
        this.world.violate('I5', `${this.name} requested ${key} twice in the same state`);
      }
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
      if (isOver && !this.world.disturbed && this.followUps.get(key) === generation) {
        this.world.violate('I5', `${this.name} was refused ${key} as invalidated, and did not fetch once more`);
      }
    }
    this.world.note(() => `${this.name} ends a refresh of ${requested.map(({ key }) => key).join()}: ${outcome.kind}`);
    return outcome;
  }
}
