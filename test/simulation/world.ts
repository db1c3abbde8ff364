import type { JobPolicy } from '../../lib/core/policy.js';
import type { Reading } from '../../lib/core/job.js';
import { servableUntil } from '../../lib/core/entry.js';
import { type Core, core as realCore } from './core.js';
import { History } from './history.js';
import { ROUND_TRIP, type Weather } from './network.js';
import { Origin, OriginError } from './origin.js';
import { SimProcess } from './process.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';
import { type Fault, FETCH_TIMEOUT, type Settings, settingsFrom } from './settings.js';
import { SharedQueue } from './shared-queue.js';
import { StoreServer } from './store-server.js';
import type { Invariant, Violation } from './violation.js';

export interface WorldOptions {
  readonly core?: Core;
  readonly traced?: boolean;
  /** Spoils the simulated servers before anything happens. */
  readonly sabotage?: (world: World) => void;
}

/** Longer than whatever may be waited for after the last fault: a frozen process, a stalled request, the longest backoff. */
const SETTLING = 16_000;
/** Longer than a request's way through the queue and a quick fetch, shorter than any ttl. */
const REFRESHED_WITHIN = 2_000;
const FINAL_ROUNDS = 4;
const WINDOW = [200, 4_000] as const;

/** A few processes, what they share, and what happens to them: one schedule, told by its seed. */
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
  /** In the order of their start; each crashed one is followed by another. */
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
    sabotage?.(this);
    for (let count = 0; count < this.settings.processes; count++) this.#start(count === 0 || this.random.chance(0.6));
  }

  /** Undefined: everything held. */
  async run(): Promise<Violation | undefined> {
    try {
      for (let step = 0; step < this.settings.steps && this.violation === undefined; step++) {
        this.#act();
        await this.scheduler.advance(this.#pause());
      }
      await this.scheduler.advance(SETTLING);
      await this.#expectProgress();
      this.#expectNothingLeft();
    } finally {
      for (const process of this.processes) process.dead = true;
      this.origin.end();
    }
    return this.violation;
  }

  /** Something happens that may take a lease, or an answer, from who has done nothing wrong. */
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

  /** An entry has changed: all are told, who did it included. */
  tell(key: string): void {
    const order = this.history.next();
    for (const process of this.processes) if (!process.dead) process.feed?.changed(key, order);
  }

  beginRefresh(id: string, by: SimProcess): void {
    const other = this.#refreshing.get(id);
    if (other !== undefined && !other.dead && !this.disturbed && this.queue.trouble === undefined && !this.settings.faults.has('queue')) {
      if (this.settings.sharedQueue || other === by) this.violate('I5', `${by.name} and ${other.name} run the same request`);
    }
    this.#refreshing.set(id, by);
  }

  endRefresh(id: string, by: SimProcess): void {
    if (this.#refreshing.get(id) === by) this.#refreshing.delete(id);
  }

  #start(works: boolean): void {
    this.processes.push(new SimProcess(this, `P${++this.#names}`, works));
  }

  #pause(): number {
    const { random } = this;
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
        return random.pick([this.settings.ttl - 1, this.settings.ttl, this.settings.ttl + 1, this.settings.ttl + this.settings.grace + 1]) % 30_000;
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
      clear: 1,
      fault: settings.faults.size === 0 ? 0 : 16,
    });
    switch (what) {
      case 'read':
        this.#read(process, name);
        break;
      case 'readers':
        for (const reader of able) for (let count = random.between(1, 3); count > 0; count--) this.#read(reader, name);
        break;
      case 'many':
        this.#readMany(process);
        break;
      case 'fault':
        this.#fault(random.pick([...settings.faults]), process);
        break;
      default:
        this.#change(process, name, what);
    }
  }

  #change(by: SimProcess, name: string, what: 'set' | 'refresh' | 'invalidate' | 'delete' | 'invalidateTags' | 'deleteTags' | 'clear'): void {
    const { history, settings, random, scheduler } = this;
    const since = history.next();
    const key = this.keyOf(name);
    const all = settings.keys.map((each) => this.keyOf(each));
    const tag = random.pick(['all', `only ${name}`]);
    this.note(() => `${by.name}: ${what} ${what.endsWith('Tags') ? tag : name}`);
    const { job, cache } = by;
    const changing = {
      set: () => job.set(by, [name], history.born(key, scheduler.now, settings.ttl).value),
      refresh: () => job.refresh(by, [name]),
      invalidate: () => job.invalidate(by, [name]),
      delete: () => job.delete(by, [name]),
      invalidateTags: () => cache.invalidateTags([tag]),
      deleteTags: () => cache.deleteTags([tag]),
      clear: () => cache.clear(),
    }[what]();
    changing.then(
      (result: unknown) => {
        this.note(() => `${by.name}: ${what} is acknowledged`);
        if (what !== 'refresh') {
          history.acknowledged(what === 'clear' || tag === 'all' ? all : [key], by, since);
        } else if (history.birthOf(result).order < since) {
          this.violate('I3', `${by.name} was given ${String(result)}, which was fetched before it asked for a refresh`);
        }
      },
      (error: unknown) => {
        by.gave(error);
        if (what === 'refresh') this.#checkRejection(by, error);
        else if (!this.disturbed) this.violate('I7', `${by.name}: ${what} failed with ${String(error)}`);
      },
    );
  }

  #read(by: SimProcess, name: string): Promise<Reading | undefined> {
    const { history, scheduler, server } = this;
    const key = this.keyOf(name);
    const startedAt = scheduler.now;
    const order = history.next();
    const barrier = history.barrierFor(key, by, by.feed?.live === true ? by.feed.told : Infinity);
    const failures = by.storeFailures;
    const writes = server.writesOf(key);
    const servable = server.servable(key);
    by.reads++;
    by.readsUnderWay++;
    this.note(() => `${by.name} reads ${key}`);
    return by.job.read(by, [name]).then(
      (reading) => {
        by.readsUnderWay--;
        this.note(() => `${by.name} got ${key} = ${String(reading.value)}: ${reading.status}, ${reading.age} s`);
        const degraded = by.storeFailures !== failures || by.worksAlone;
        this.#checkReading(by, key, reading, { startedAt, order, barrier, degraded });
        return reading;
      },
      (error: unknown) => {
        by.readsUnderWay--;
        this.note(() => `${by.name} got no ${key}: ${String(error)}`);
        by.gave(error);
        this.#checkRejection(by, error);
        const calm = !this.disturbed && this.settings.options.onError === undefined && by.feed === undefined;
        if (calm && servable !== undefined && server.writesOf(key) === writes && scheduler.now <= servableUntil(servable)) {
          this.violate('I7', `${by.name} failed to read ${key} although there was something to serve`);
        }
        return undefined;
      },
    );
  }

  #readMany(by: SimProcess): void {
    const { keys } = this.settings;
    const order = this.history.next();
    const told = by.feed?.live === true ? by.feed.told : Infinity;
    const barriers = keys.map((name) => this.history.barrierFor(this.keyOf(name), by, told));
    // It does not say which of them are stale: those may be older than that.
    const strict = this.settings.grace === 0;
    const failures = by.storeFailures;
    by.reads += keys.length;
    by.readsUnderWay++;
    this.note(() => `${by.name} reads ${keys.join()} at once`);
    by.job
      .getMany(
        by,
        keys.map((name) => [name]),
      )
      .then(
        (values) => {
          by.readsUnderWay--;
          this.note(() => `${by.name} got ${values.join()}`);
          values.forEach((value, index) => {
            if (value === null) return;
            const birth = this.history.birthOf(value);
            if (birth.key !== this.keyOf(keys[index]!)) this.violate('I7', `${by.name} got the value of another key`);
            if (strict && birth.order < barriers[index]! && !by.worksAlone && (by.storeFailures === failures || this.#hasEnded(by, birth.ended, order))) {
              this.violate('I3', `${by.name} got ${String(value)} as fresh, from before a change it could know of`);
            }
          });
        },
        (error: unknown) => {
          by.readsUnderWay--;
          by.gave(error);
          this.#checkRejection(by, error);
        },
      );
  }

  #checkReading(
    by: SimProcess,
    key: string,
    { value, status, age }: Reading,
    asked: { startedAt: number; order: number; barrier: number; degraded: boolean },
  ): void {
    if (value === null) return;
    const { settings, scheduler } = this;
    const birth = this.history.birthOf(value);
    const { startedAt } = asked;
    if (birth.key !== key) this.violate('I7', `${by.name} got the value of another key`);
    // Of a store that cannot be reached nobody knows what was changed in it: what was fetched meanwhile has to do.
    if (status !== 'stale' && birth.order < asked.barrier && (!asked.degraded || this.#hasEnded(by, birth.ended, asked.order))) {
      this.violate('I3', `${by.name} got ${String(value)} as fresh (${status}), from before a change it could know of`);
    }
    const least = startedAt - birth.at;
    if (status !== 'miss' && Math.round(age * 1_000) < least) this.violate('I9', `${String(value)} is ${least} ms old, and not ${age} s`);
    if (status === 'hit' && least > birth.ttl) this.violate('I9', `${String(value)} is no hit any more, after ${least} ms`);
    if (status === 'stale' && least > birth.ttl + settings.grace) this.violate('I9', `${String(value)} is too old to be served`);
    const waits = settings.options.fetchOnStaleThreshold !== undefined && status === 'stale';
    if (status !== 'miss' && !waits && !this.disturbed && scheduler.now - startedAt > ROUND_TRIP) {
      this.violate('I7', `${by.name} waited ${scheduler.now - startedAt} ms for what lay there`);
    }
  }

  /** Copies may be used for a while when nothing else is to be had. */
  #hasEnded(by: SimProcess, ended: number, order: number): boolean {
    return by.feed === undefined && ended < order;
  }

  #checkRejection(by: SimProcess, error: unknown): void {
    const number = OriginError.numberOf(error);
    if (number !== undefined && number < this.origin.failures.length) return;
    const timedOut = error instanceof Error && error.name === 'FetchTimeoutError';
    if (timedOut && this.disturbed) return;
    this.violate('I7', `${by.name} failed with ${String(error)}`);
  }

  #fault(fault: Fault, process: SimProcess): void {
    const { random, scheduler, weather, queue, origin } = this;
    const ms = random.between(...WINDOW);
    this.note(() => `fault: ${fault} (${process.name}, ${ms} ms)`);
    const later = (end: () => void): void =>
      scheduler.quietly(ms, () => {
        this.note(() => `no more ${fault}`);
        end();
      });
    switch (fault) {
      case 'loss':
        weather.loss = 0.25;
        return later(() => (weather.loss = 0));
      case 'cut':
        process.link.cut = true;
        process.feed?.break();
        return later(() => (process.link.cut = false));
      case 'slow':
        weather.slow = true;
        return later(() => (weather.slow = false));
      case 'outage':
        weather.down = random.pick(['silent', 'refusing']);
        for (const each of this.processes) each.feed?.break();
        return later(() => (weather.down = undefined));
      case 'wipe':
        this.server.wipe();
        if (random.chance(0.5)) queue.wipe();
        return;
      case 'crash':
        process.dead = true;
        if (this.settings.embedded) this.server.wipe();
        scheduler.quietly(ms, () => this.#start(process.works));
        return;
      case 'freeze':
        process.frozenUntil = scheduler.now + ms + 1_000;
        return;
      case 'queue':
        if (random.chance(0.3)) return queue.wipe();
        queue.trouble = random.pick(['refuses', 'silent']);
        return later(() => (queue.trouble = undefined));
      case 'origin':
        origin.failing = true;
        return later(() => (origin.failing = false));
      case 'hang':
        origin.hanging = true;
        return later(() => (origin.hanging = false));
      case 'feed':
        process.feed?.break();
        return;
    }
  }

  /** Nothing goes wrong any more: what is read is fresh soon after. */
  async #expectProgress(): Promise<void> {
    if (this.violation !== undefined) return;
    this.origin.quick = true;
    const living = this.processes.filter(({ dead }) => !dead);
    const due = new Map<string, string>();
    for (let round = 0; round < FINAL_ROUNDS && this.violation === undefined; round++) {
      const readings = living.flatMap((process) =>
        this.settings.keys.map(async (name) => {
          const id = `${process.name} ${name}`;
          const reading = await this.#read(process, name);
          const fresh = reading?.status === 'hit';
          // The first round finds out that the store is back.
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
    if (this.origin.running > 0) this.violate('I6', 'a fetch still runs');
    for (const process of this.processes) if (!process.dead) process.checkReports();
  }
}

export { FETCH_TIMEOUT };
