/** Requests that may be sent between two counts of what waits. */
const SHARE = 1_000;
/** Milliseconds until a full queue is counted again. */
const RECOUNT = 1_000;
/** Characters of arguments that take one place. */
const PLACE = 8_192;

/**
 * How many requests may wait in the queue. One with large arguments takes a place for each 8 KB. What waits is counted once
 * in a thousand places, so the bound costs no round trip for each, and each further process may exceed it by a thousand.
 * Redis counts requests and not their sizes, so what waits is taken to be as large as what this process has sent.
 */
export class WaitingLimit {
  #left: number;
  #onTheWay = 0;
  #recountAt = 0;
  #counting: Promise<void> | undefined;
  /** Since the last count. */
  #sent = { requests: 0, places: 0 };
  /** Places of a request that this process sends. */
  #average = 1;

  constructor(
    readonly most: number,
    /** How many requests wait in the queue. */
    private readonly count: () => Promise<number>,
  ) {
    this.#left = Math.min(SHARE, most);
  }

  /** Whether nothing can be sent before the next count. */
  get isFull(): boolean {
    return this.#left <= 0 && performance.now() < this.#recountAt;
  }

  /**
   * Calls `send` with the number of requests for which there is room, from the first one on, and resolves to it. `sizes` are
   * the characters of each one's arguments. Rejects when what waits cannot be counted.
   */
  async send(sizes: readonly number[], send: (room: number) => Promise<void>): Promise<number> {
    const places = sizes.map((size) => Math.max(1, Math.ceil(size / PLACE)));
    const wanted = places.reduce((sum, each) => sum + each, 0);
    if (wanted > this.#left && performance.now() >= this.#recountAt) {
      this.#counting ??= this.#recount(Math.max(wanted, SHARE)).finally(() => (this.#counting = undefined));
      await this.#counting;
    }
    let requests = 0;
    let taken = 0;
    // The last one may take more than is left: otherwise a very large one would never be sent.
    for (; taken < this.#left && requests < places.length; requests++) taken += places[requests] ?? 0;
    if (requests === 0) return 0;
    this.#left -= taken;
    this.#onTheWay += taken;
    this.#sent = { requests: this.#sent.requests + requests, places: this.#sent.places + taken };
    try {
      await send(requests);
    } finally {
      this.#onTheWay -= taken;
    }
    return requests;
  }

  async #recount(share: number): Promise<void> {
    const { requests, places } = this.#sent;
    if (requests > 0) this.#average = places / requests;
    this.#sent = { requests: 0, places: 0 };
    const room = Math.max(0, Math.ceil(this.most - this.#onTheWay - (await this.count()) * this.#average));
    this.#left = Math.min(share, room);
    if (room === 0) this.#recountAt = performance.now() + RECOUNT;
  }
}
