import type { JobPolicy } from '../../lib/core/policy/policy.js';
import { type Core, core as realCore } from './core.js';
import { strike } from './faults.js';
import { History } from './history.js';
import type { Weather } from './network.js';
import { Origin } from './origin.js';
import { SimProcess } from './process.js';
import { Random } from './random.js';
import { Reads } from './reads.js';
import { Scheduler } from './scheduler.js';
import { type Settings, settingsFrom, TOO_STALE } from './settings.js';
import { SharedQueue } from './shared-queue.js';
import { StoreServer } from './store-server.js';
import type { Invariant, Violation } from './violation.js';

export interface WorldOptions {
  readonly core?: Core;
  readonly traced?: boolean;
  /** Breaks the simulated servers before anything happens. */
  readonly sabotage?: (world: World) => void;
}

/**
 * Milliseconds, longer than any wait after the last fault: a frozen process, a stalled request, the longest backoff.
 */
const SETTLING = 16_000;
/** Milliseconds, longer than a request's way through the queue and a quick fetch, and shorter than any ttl. */
const REFRESHED_WITHIN = 2_000;
const FINAL_ROUNDS = 4;

/** A few processes, what they share, and what happens to them: one schedule, decided by its seed. */
export class World {
  readonly random: Random;
  readonly scheduler = new Scheduler();
  readonly history = new History();
  readonly settings: Settings;
  readonly core: Core;
  readonly policy: JobPolicy;
  readonly weather: Weather = { down: undefined, slow: false, loss: 0 };
  readonly origin: Origin;
  readonly server: StoreServer;
  readonly queue: SharedQueue;
  readonly reads: Reads;
  /** In the order of their start. A crashed process is followed by another. */
  readonly processes: SimProcess[] = [];
  violation: Violation | undefined;
  readonly trace: string[] = [];
  readonly #traced: boolean;
  readonly #refreshing = new Map<string, SimProcess>();
  #names = 0;

  constructor(
    readonly seed: number,
    { core = realCore, traced = false, sabotage }: WorldOptions = {},
  ) {
    this.random = new Random(seed);
    this.core = core;
    this.#traced = traced;
    this.settings = settingsFrom(this.random);
    this.policy = core.compilePolicy('J', this.settings.options);
    this.note(() => JSON.stringify({ ...this.settings, faults: [...this.settings.faults] }));
    this.origin = new Origin(this);
    this.server = new StoreServer(this);
    this.queue = new SharedQueue(this);
    this.reads = new Reads(this);
    sabotage?.(this);
    for (let count = 0; count < this.settings.processes; count++) this.start(count === 0 || this.random.chance(0.6));
  }

  /** Undefined when every invariant held. */
  async run(): Promise<Violation | undefined> {
    try {
      for (let step = 0; step < this.settings.steps && this.violation === undefined; step++) {
        this.#act();
        await this.scheduler.advance(this.#pause());
      }
      await this.scheduler.advance(SETTLING);
      this.#expectFollowUps();
      await this.#expectProgress();
      await this.scheduler.advance(SETTLING);
      this.#expectNothingLeft();
    } finally {
      for (const process of this.processes) process.dead = true;
      this.origin.end();
    }
    return this.violation;
  }

  /** Whether a fault may take a lease or an answer from a process that works. */
  get disturbed(): boolean {
    const { faults } = this.settings;
    return [...faults].some((fault) => fault !== 'origin' && fault !== 'feed' && fault !== 'queue');
  }

  keyOf(name: string): string {
    return `J:${JSON.stringify(name)}`;
  }

  note(what: () => string): void {
    if (this.#traced) this.trace.push(`${String(this.scheduler.now % 100_000_000).padStart(8)} ${what()}`);
  }

  violate(invariant: Invariant, what: string): void {
    if (this.violation !== undefined) return;
    this.note(() => `VIOLATION of ${invariant}: ${what}`);
    this.violation = { seed: this.seed, invariant, what, trace: this.trace };
    this.scheduler.stopped = true;
  }

  /** An entry has changed. All processes get a report, including the one that changed it. */
  tell(key: string): void {
    const order = this.history.next();
    for (const process of this.processes) if (!process.dead) process.feed?.changed(key, order);
  }

  beginRefresh(id: string, by: SimProcess): void {
    const other = this.#refreshing.get(id);
    if (
      other !== undefined &&
      !other.dead &&
      !this.disturbed &&
      this.queue.trouble === undefined &&
      !this.settings.faults.has('queue')
    ) {
      if (this.settings.sharedQueue || other === by)
        this.violate('I5', `${by.name} and ${other.name} run the same request`);
    }
    this.#refreshing.set(id, by);
  }

  endRefresh(id: string, by: SimProcess): void {
    if (this.#refreshing.get(id) === by) this.#refreshing.delete(id);
  }

  /** Starts a process. With `works` it runs requests of other processes. */
  start(works: boolean): void {
    this.processes.push(new SimProcess(this, `P${++this.#names}`, works));
  }

  #pause(): number {
    const { random } = this;
    const { ttl, grace } = this.settings;
    switch (random.weighted({ none: 20, short: 30, some: 25, long: 20, ttl: 8 })) {
      case 'none':
        return 0;
      case 'short':
        return random.between(1, 30);
      case 'some':
        return random.between(30, 400);
      case 'long':
        return random.between(400, 2_500);
      case 'ttl':
        return random.pick([ttl - 1, ttl, ttl + 1, ttl + TOO_STALE + 100, Math.min(ttl + grace + 1, 30_000)]);
    }
  }

  #act(): void {
    const { random, settings } = this;
    const able = this.processes.filter((process) => !process.dead && !process.isFrozen);
    if (able.length === 0) return;
    const process = random.pick(able);
    const name = random.pick(settings.keys);
    const what = random.weighted({
      read: 40,
      readers: 10,
      many: settings.batches ? 12 : 2,
      set: 4,
      refresh: 5,
      invalidate: 10,
      delete: 5,
      invalidateTags: 3,
      deleteTags: 2,
      invalidateAll: 1,
      deleteAll: 1,
      clear: 1,
      fault: settings.faults.size === 0 ? 0 : 16,
    });
    switch (what) {
      case 'read':
        void this.reads.one(process, name);
        break;
      case 'readers':
        for (const reader of able)
          for (let count = random.between(1, 3); count > 0; count--) void this.reads.one(reader, name);
        break;
      case 'many':
        this.reads.many(process);
        break;
      case 'fault':
        strike(this, random.pick([...settings.faults]), process);
        break;
      case 'set':
      case 'refresh':
      case 'invalidate':
      case 'delete':
      case 'invalidateTags':
      case 'deleteTags':
      case 'invalidateAll':
      case 'deleteAll':
      case 'clear':
        this.#change(process, name, what);
    }
  }

  #change(
    by: SimProcess,
    name: string,
    what:
      | 'set'
      | 'refresh'
      | 'invalidate'
      | 'delete'
      | 'invalidateTags'
      | 'deleteTags'
      | 'invalidateAll'
      | 'deleteAll'
      | 'clear',
  ): void {
    const { history, settings, random, scheduler } = this;
    const since = history.next();
    const key = this.keyOf(name);
    const all = settings.keys.map((each) => this.keyOf(each));
    const tag = random.pick(['all', `only ${name}`]);
    const concerned =
      what === 'clear' || what.endsWith('All') || (what.endsWith('Tags') && tag === 'all') ? all : [key];
    this.note(() => `${by.name}: ${what} ${what.endsWith('Tags') ? tag : name}`);
    const { job, cache } = by;
    const changing = {
      set: () => job.set(by, [name], history.born(key, scheduler.now, settings.ttl).value),
      refresh: () => job.refresh(by, [name]),
      invalidate: () => job.invalidate(by, [name]),
      delete: () => job.delete(by, [name]),
      invalidateTags: () => cache.invalidateTags([tag]),
      deleteTags: () => cache.deleteTags([tag]),
      invalidateAll: () => job.invalidateAll(),
      deleteAll: () => job.deleteAll(),
      clear: () => cache.clear(),
    }[what]();
    changing.then(
      (result: unknown) => {
        this.note(() => `${by.name}: ${what} is acknowledged`);
        if (what !== 'refresh') {
          history.acknowledged(concerned, by, since);
        } else if ((history.birthOf(result)?.order ?? 0) < since) {
          this.violate('I3', `${by.name} was given ${String(result)}, which was fetched before it asked for a refresh`);
        }
      },
      (error: unknown) => {
        by.reports.gave(error);
        if (what === 'refresh') this.reads.checkRejection(by, error);
        else if (!this.disturbed) this.violate('I7', `${by.name}: ${what} failed with ${String(error)}`);
      },
    );
  }

  /** Expects that every invalidated key has been fetched again, although nobody has read it. */
  #expectFollowUps(): void {
    if (this.violation !== undefined || this.settings.faults.size > 0) return;
    const key = this.server.notRefreshed();
    if (key !== undefined) this.violate('I5', `${key} was invalidated, and not fetched again`);
  }

  /** Expects that without faults, what is read is fresh soon after. */
  async #expectProgress(): Promise<void> {
    if (this.violation !== undefined) return;
    this.origin.quick = true;
    const living = this.processes.filter(({ dead }) => !dead);
    const due = new Map<string, string>();
    for (let round = 0; round < FINAL_ROUNDS && this.violation === undefined; round++) {
      const readings = living.flatMap((process) =>
        this.settings.keys.map(async (name) => {
          const id = `${process.name} ${name}`;
          const reading = await this.reads.one(process, name);
          const fresh = reading?.status === 'hit';
          // In the first round a process may still find out that the store is back.
          if (!fresh && round > 1 && due.get(id) === 'not fresh') {
            this.violate('I6', `${process.name} does not find ${name} fresh although it has read it before`);
          }
          due.set(id, fresh ? 'fresh' : 'not fresh');
        }),
      );
      await this.scheduler.advance(REFRESHED_WITHIN);
      const hung = living.find(({ readsUnderWay }) => readsUnderWay > 0);
      if (hung !== undefined) this.violate('I6', `a read of ${hung.name} does not end`);
      if (this.violation === undefined) await Promise.all(readings);
    }
  }

  #expectNothingLeft(): void {
    if (this.violation !== undefined) return;
    const held = this.server.heldKeys();
    if (held.length > 0) this.violate('I6', `a lease of ${held.join()} is left`);
    if (this.queue.pending > 0) this.violate('I6', 'a request is left in the queue');
    if (this.scheduler.pending > 0) this.violate('I6', `${String(this.scheduler.pending)} timers or messages are left`);
    if (this.origin.running > 0) this.violate('I6', 'a fetch still runs');
    for (const process of this.processes) if (!process.dead) process.reports.check();
  }
}
