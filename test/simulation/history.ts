import type { SimProcess } from './process.js';

/** Where a value comes from. */
export interface Birth {
  readonly value: number;
  readonly key: string;
  /** The start of its fetch, or when the store took what was set by hand. */
  readonly at: number;
  /** The same in the order of all events, which is finer than time. */
  readonly order: number;
  /** The end of its fetch, in the order of all events. */
  ended: number;
  readonly ttl: number;
}

interface Change {
  readonly order: number;
  readonly by: SimProcess;
}

/** What is known of values and of changes, in the one order of all events. */
export class History {
  #order = 0;
  readonly #births = new Map<number, Birth>();
  /** Changes by hand, as the store made them. */
  readonly #made = new Map<string, Change[]>();
  /** Those of them that their callers know of. */
  readonly #acknowledged = new Map<string, Change[]>();

  /** A place in the order of all events. */
  next(): number {
    return ++this.#order;
  }

  /** A new value; where it will be set by hand, it is born when the store takes it. */
  born(key: string, at: number, ttl: number): Birth {
    const birth = { value: this.#births.size + 1, key, at, order: this.next(), ended: Infinity, ttl };
    this.#births.set(birth.value, birth);
    return birth;
  }

  took(value: unknown, at: number): void {
    const birth = this.birthOf(value);
    if (birth !== undefined) this.#births.set(birth.value, { ...birth, at, order: this.next(), ended: 0 });
  }

  /** Undefined: nobody has ever fetched or set it. */
  birthOf(value: unknown): Birth | undefined {
    return this.#births.get(value as number);
  }

  /** The store has done something after which older values must not be fresh. */
  changed(key: string, by: SimProcess): number {
    const order = this.next();
    listOf(this.#made, key).push({ order, by });
    return order;
  }

  /** The caller has been told that his change, which he asked for at `since`, was made. */
  acknowledged(keys: readonly string[], by: SimProcess, since: number): void {
    for (const key of keys) {
      // Where he asked for several at a time, any of them: the first.
      const change = this.#made.get(key)?.find((made) => made.by === by && made.order > since);
      if (change !== undefined) listOf(this.#acknowledged, key).push(change);
    }
  }

  /**
   * What a read that starts now must not get as fresh: anything that was born earlier. A process with copies may not
   * have been told of what others did after `told`.
   */
  barrierFor(key: string, reader: SimProcess, told: number): number {
    let barrier = 0;
    for (const { order, by } of this.#acknowledged.get(key) ?? []) {
      if (order > barrier && (order <= told || by === reader)) barrier = order;
    }
    return barrier;
  }
}

function listOf<T>(lists: Map<string, T[]>, key: string): T[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}
