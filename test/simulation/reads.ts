import { inspect } from 'node:util';
import type { Reading } from '../../lib/core/job/job.js';
import type { Birth } from './history.js';
import { ROUND_TRIP } from './network.js';
import { OriginError } from './origin.js';
import type { SimProcess } from './process.js';
import type { World } from './world.js';

/** What was known when a read began. */
interface Asked {
  readonly startedAt: number;
  readonly order: number;
  /** A value that was born before this position must not be fresh. */
  readonly barrier: number;
}

/** Makes reads, and checks that they get only what they may get. */
export class Reads {
  constructor(private readonly world: World) {}

  /** Begins a read of one key. Undefined when it failed. */
  one(by: SimProcess, name: string): Promise<Reading | undefined> {
    const { history, scheduler, server } = this.world;
    const key = this.world.keyOf(name);
    const startedAt = scheduler.now;
    const order = history.next();
    const barrier = history.barrierFor(key, by, by.feed?.live === true ? by.feed.told : Infinity);
    const failures = by.storeFailures;
    const writes = server.writesOf(key);
    const servable = server.servable(key) !== undefined;
    by.reports.reads++;
    by.readsUnderWay++;
    this.world.note(() => `${by.name} reads ${key}`);
    return by.job.read(by, [name]).then(
      (reading) => {
        by.readsUnderWay--;
        this.world.note(() => `${by.name} got ${key} = ${inspect(reading.value)}: ${reading.status}, ${reading.age} s`);
        const degraded = by.storeFailures !== failures || by.worksAlone;
        const lay = servable && server.writesOf(key) === writes;
        this.#checkReading(by, key, reading, { startedAt, order, barrier, degraded, lay });
        return reading;
      },
      (error: unknown) => {
        by.readsUnderWay--;
        this.world.note(() => `${by.name} got no ${key}: ${String(error)}`);
        by.reports.gave(error);
        this.checkRejection(by, error);
        const degradedBy = by.storeFailures !== failures || by.worksAlone;
        this.#checkFailure(by, key, error, { startedAt, order, barrier, degraded: degradedBy });
        const plain =
          by.storeFailures === failures && by.feed === undefined && this.world.settings.options.onError === undefined;
        if (plain && servable && server.servable(key) !== undefined && server.writesOf(key) === writes) {
          this.world.violate('I7', `${by.name} failed to read ${key} although there was something to serve`);
        }
        return undefined;
      },
    );
  }

  /** Begins a read of all keys at once. */
  many(by: SimProcess): void {
    const { keys, grace } = this.world.settings;
    const { history } = this.world;
    const order = history.next();
    const told = by.feed?.live === true ? by.feed.told : Infinity;
    const barriers = keys.map((name) => history.barrierFor(this.world.keyOf(name), by, told));
    // The result does not say which values are stale, and stale ones may be older than that.
    const strict = grace === 0;
    const failures = by.storeFailures;
    by.reports.reads += keys.length;
    by.readsUnderWay++;
    this.world.note(() => `${by.name} reads ${keys.join()} at once`);
    by.job
      .getMany(
        by,
        keys.map((name) => [name]),
      )
      .then(
        (values) => {
          by.readsUnderWay--;
          this.world.note(() => `${by.name} got ${values.join()}`);
          values.forEach((value, index) => {
            if (value === null) return;
            const birth = history.birthOf(value);
            if (birth?.key !== this.world.keyOf(keys[index]!))
              this.world.violate('I7', `${by.name} got the value of another key`);
            else if (
              strict &&
              birth.order < barriers[index]! &&
              !by.worksAlone &&
              (by.storeFailures === failures || hasEnded(by, birth, order))
            ) {
              this.world.violate('I3', `${by.name} got ${birth.value} as fresh, from before a change it could know of`);
            }
          });
        },
        (error: unknown) => {
          by.readsUnderWay--;
          by.reports.gave(error);
          this.checkRejection(by, error);
        },
      );
  }

  /** A failure may be too old to be given to a reader, too. */
  #checkFailure(by: SimProcess, key: string, error: unknown, asked: Asked & { readonly degraded: boolean }): void {
    const number = OriginError.numberOf(error);
    if (number === undefined) return;
    const birth = this.world.origin.failed[number]?.find((each) => each.key === key);
    if (birth === undefined || birth.order >= asked.barrier) return;
    if (!asked.degraded || hasEnded(by, birth, asked.order)) {
      this.world.violate('I3', `${by.name} was told a failure of ${key} from before a change it could know of`);
    }
  }

  #checkReading(
    by: SimProcess,
    key: string,
    { value, status, age }: Reading,
    asked: Asked & { readonly degraded: boolean; readonly lay: boolean },
  ): void {
    if (value === null) return;
    const { settings, scheduler, history, disturbed } = this.world;
    const birth = history.birthOf(value);
    if (birth === undefined) {
      this.world.violate('I7', `${by.name} got ${inspect(value)}, which nobody fetched`);
      return;
    }
    const shown = birth.value;
    const { startedAt } = asked;
    if (birth.key !== key) this.world.violate('I7', `${by.name} got the value of another key`);
    // While the store cannot be reached, nobody knows what was changed in it, so what was fetched meanwhile is allowed.
    if (status !== 'stale' && birth.order < asked.barrier && (!asked.degraded || hasEnded(by, birth, asked.order))) {
      this.world.violate('I3', `${by.name} got ${shown} as fresh (${status}), from before a change it could know of`);
    }
    const least = startedAt - birth.at;
    if (status !== 'miss' && Math.round(age * 1_000) < least)
      this.world.violate('I9', `${shown} is ${least} ms old, and not ${age} s`);
    if (status === 'hit' && least > birth.ttl)
      this.world.violate('I9', `${shown} is no hit any more, after ${least} ms`);
    if (status === 'stale' && least > birth.ttl + settings.grace)
      this.world.violate('I9', `${shown} is too old to be served`);
    // A reader that finds nothing, and learns that the key was written meanwhile, may find that value stale again.
    const waits = status === 'stale' && (settings.options.fetchOnStaleThreshold !== undefined || !asked.lay);
    if (status !== 'miss' && !waits && !disturbed && scheduler.now - startedAt > ROUND_TRIP) {
      this.world.violate('I7', `${by.name} waited ${scheduler.now - startedAt} ms for what lay there`);
    }
  }

  /** A caller may only get the origin's error, or the timeout of its fetch. */
  checkRejection(by: SimProcess, error: unknown): void {
    const number = OriginError.numberOf(error);
    if (number !== undefined && number < this.world.origin.failures.length) return;
    const timedOut = error instanceof Error && error.name === 'FetchTimeoutError';
    if (timedOut && this.world.disturbed) return;
    this.world.violate('I7', `${by.name} failed with ${String(error)}`);
  }
}

/**
 * Whether the fetch had ended before the read began. With copies this does not count, since they may be used for a
 * while when there is nothing else.
 */
function hasEnded(by: SimProcess, birth: Birth, order: number): boolean {
  return by.feed === undefined && birth.ended < order;
}
