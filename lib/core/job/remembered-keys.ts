/** The most keys, and the most estimated bytes, of each of the two generations. */
const MOST = 10_000;
const MOST_BYTES = 2_000_000;
/** Bytes of a remembered key beside its characters: two strings and their place in the map. */
const OVERHEAD = 100;

/**
 * Keys that were built lately, by their one argument. A remembered string has its hash computed for the store's map, a
 * freshly joined one has not. That is half of the cost of a hit.
 *
 * Two generations: what is read moves to the young one, and when that is full it takes the place of the old one. So a
 * key that is read again is never forgotten, and nothing is paid for an order of use.
 */
export class RememberedKeys {
  #young = new Map<string | number, string>();
  #old = new Map<string | number, string>();
  #bytes = 0;

  constructor(
    private readonly most = MOST,
    private readonly mostBytes = MOST_BYTES,
  ) {}

  get(argument: string | number): string | undefined {
    const young = this.#young.get(argument);
    if (young !== undefined) return young;
    const old = this.#old.get(argument);
    if (old !== undefined) this.remember(argument, old);
    return old;
  }

  /** Does nothing for a key that alone is too large. */
  remember(argument: string | number, key: string): void {
    // Two bytes for each character, since some strings need them.
    const bytes = 2 * (typeof argument === 'string' ? argument.length + key.length : key.length) + OVERHEAD;
    if (bytes > this.mostBytes) return;
    if (this.#young.size >= this.most || this.#bytes + bytes > this.mostBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#bytes = 0;
    }
    this.#young.set(argument, key);
    this.#bytes += bytes;
  }

  /** How many keys are remembered, those of both generations counted twice. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
