import type { SimProcess } from './process.js';

/** The origin of a value. */
export interface Birth {
  readonly value: number;
  readonly key: string;
  /** The start of its fetch, or when the store took a value that was set. */
  readonly at: number;
  /** The same as a position among all events, which is finer than time. */
  readonly order: number;
  /** The end of its fetch, as a position among all events. */
  ended: number;
  readonly ttl: number;
}

interface Change {
  readonly order: number;
  readonly by: SimProcess;
}

/** Everything known about values and changes, in the one order of all events. */
export class History {
  #order = 0;
  readonly #births = new Map<number, Birth>();
  /** Changes by callers, in the order in which the store made them. */
  readonly #made = new Map<string, Change[]>();
  /** Those changes that were acknowledged to their callers. */
  readonly #acknowledged = new Map<string, Change[]>();

  /** The next position among all events. */
  next(): number {
    return ++this.#order;
  }

  /** A new value. One that will be set is born when the store takes it. */
  born(key: string, at: number, ttl: number): Birth {
    const birth = { value: this.#births.size + 1, key, at, order: this.next(), ended: Infinity, ttl };
    this.#births.set(birth.value, birth);
    return birth;
  }

  took(value: unknown, at: number): void {
    const birth = this.birthOf(value);
    if (birth !== undefined) this.#births.set(birth.value, { ...birth, at, order: this.next(), ended: 0 });
  }

  /** Undefined for a value that was never fetched or set. */
  birthOf(value: unknown): Birth | undefined {
    return this.#births.get(value as number);
  }

  /** The store has made a change after which older values must not be fresh. */
  changed(key: string, by: SimProcess): number {
    const order = this.next();
    listOf(this.#made, key).push({ order, by });
    return order;
  }

  /** The change that the caller requested at `since` was acknowledged. */
  acknowledged(keys: readonly string[], by: SimProcess, since: number): void {
    for (const key of keys) {
      // If the caller requested several at a time, it may be any of them, so the first is taken.
      const change = this.#made.get(key)?.find((made) => made.by === by && made.order > since);
      if (change !== undefined) listOf(this.#acknowledged, key).push(change);
    }
  }

  /**
   * The position before which a value must have been born that a read starting now must not get as fresh. Changes by
   * others after `told` may not have been reported to a process with copies.
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
