/** Pseudorandom numbers, the same for the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to 1, without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  of<One>(all: readonly One[]): One {
    const one = all[Math.floor(this.next() * all.length)];
    if (one === undefined) throw new RangeError('There is nothing to choose from');
    return one;
  }

  /** A generator for a part of the run, so that the numbers that one part draws do not change another. */
  split(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32));
  }
}
