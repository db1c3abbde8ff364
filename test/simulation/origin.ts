import type { Birth } from './history.js';
import type { SimProcess } from './process.js';
import type { KnownLease } from './store-server.js';
import { FETCH_TIMEOUT } from './settings.js';
import type { World } from './world.js';

interface Running {
  readonly by: SimProcess;
  readonly lease: KnownLease | undefined;
  readonly startedAt: number;
}

/** The error of a fetch. It is identified by its number, since a store keeps a copy of it. */
export class OriginError extends Error {
  static {
    this.prototype.name = 'OriginError';
  }

  /** The number in the message, of the original or of a copy. */
  static numberOf(error: unknown): number | undefined {
    const found = /^the origin failed #(\d+)$/.exec(error instanceof Error ? error.message : '');
    return found === null ? undefined : Number(found[1]);
  }

  constructor(readonly number: number) {
    super(`the origin failed #${number}`);
  }
}

/** The source of values: each fetch returns later what was there when it began. */
export class Origin {
  failing = false;
  hanging = false;
  quick = false;
  /** For each failed fetch, the process in which it ran. */
  readonly failures: SimProcess[] = [];
  /** By the number of a failure, what its fetch would have returned. */
  readonly failed: (readonly Birth[])[] = [];
  readonly #running = new Map<string, Set<Running>>();
  /** Functions that end fetches which would never end, for when the schedule is over. */
  readonly #open = new Set<() => void>();

  constructor(private readonly world: World) {}

  fetch(by: SimProcess, key: string): Promise<number> {
    return this.#fetch(by, [key]).then(([value]) => value!);
  }

  fetchMany(by: SimProcess, keys: readonly string[]): Promise<number[]> {
    return this.#fetch(by, keys);
  }

  get running(): number {
    let count = 0;
    for (const running of this.#running.values()) for (const { by } of running) if (!by.dead) count++;
    return count;
  }

  /** Ends all fetches, so that nothing waits for them for ever. */
  end(): void {
    for (const end of this.#open) end();
  }

  #fetch(by: SimProcess, keys: readonly string[]): Promise<number[]> {
    const { scheduler, history, random, settings } = this.world;
    const { background, skip } = this.world.core.refreshContext();
    const fetches = keys.map((key) => this.#begin(by, key, background));
    const births = keys.map((key) => history.born(key, scheduler.now, settings.ttl));
    const hangs = this.hanging && random.chance(0.5);
    const fails = this.failing && random.chance(0.9);
    const unwanted = settings.faults.has('origin') && !this.quick && random.chance(0.1);
    const long = !this.quick && random.chance(0.15);
    const duration = hangs ? 4 * FETCH_TIMEOUT : long ? random.between(600, 3_200) : random.between(1, 250);
    this.world.note(
      () =>
        `${by.name} fetches ${births.map(({ key, value }) => `${key} = ${value}`).join()}${background ? ' in the background' : ''}`,
    );
    return new Promise((resolve, reject) => {
      const open = (): void => reject(new Error('it is over'));
      this.#open.add(open);
      scheduler.after(
        duration,
        () => {
          this.#open.delete(open);
          for (const { end } of fetches) end();
          for (const birth of births) birth.ended = history.next();
          if (!fails) {
            if (unwanted) for (const { key } of births) skip([JSON.parse(key.slice(2))]);
            resolve(births.map(({ value }) => value));
            return;
          }
          const error = new OriginError(this.failures.push(by) - 1);
          this.failed.push(births);
          this.world.note(() => `${by.name}: ${error.message}`);
          for (const { lease } of fetches) if (lease !== undefined) lease.failed = true;
          // A fetch that would end after its deadline has failed before.
          if (duration >= FETCH_TIMEOUT || scheduler.now >= births[0]!.at + FETCH_TIMEOUT)
            by.reports.unheard.add(error.number);
          reject(error);
        },
        by,
      );
    });
  }

  #begin(by: SimProcess, key: string, background: boolean): { lease: KnownLease | undefined; end: () => void } {
    const { scheduler } = this.world;
    const lease = by.beginFetch(key);
    if (lease === undefined && !by.mayFetchAlone && by.changesOf(key) < 2) {
      this.world.violate('I4', `${by.name} fetches ${key} without a lease, and the store has not failed`);
    }
    let running = this.#running.get(key);
    if (running === undefined) {
      running = new Set();
      this.#running.set(key, running);
    }
    if (lease !== undefined) {
      const { backingOff, fresh, servable, takenOver, over } = lease;
      lease.background = background;
      if (fresh && !takenOver) this.world.violate('I5', `${by.name} fetches ${key} although it is fresh`);
      // A holder that lost its lease to a forced refresh, before it learned of the grant, cannot know how that refresh
      // ended.
      const mustWait = background && !over && this.world.server.mustWait(key);
      const tooSoon = (backingOff && (background || servable)) || mustWait;
      if (tooSoon && !takenOver) {
        this.world.violate('I8', `${by.name} fetches ${key} before its backoff is over`);
      }
      const holds = this.world.disturbed ? this.world.server.isLive(lease) : !lease.over;
      for (const other of running) {
        if (holds && this.#counts(other))
          this.world.violate('I4', `${by.name} and ${other.by.name} fetch ${key} at the same time`);
      }
    }
    const own = { by, lease, startedAt: scheduler.now };
    running.add(own);
    return { lease, end: () => running.delete(own) };
  }

  /** Whether no other process may fetch while this fetch runs. */
  #counts({ by, lease, startedAt }: Running): boolean {
    const { now } = this.world.scheduler;
    if (lease === undefined || lease.over || by.dead || now >= startedAt + FETCH_TIMEOUT) return false;
    return !this.world.disturbed || this.world.server.isLive(lease);
  }
}
