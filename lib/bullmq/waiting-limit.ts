/** Requests that may be sent between two counts of what waits. */
const SHARE = 1_000;
/** Milliseconds until a full queue is counted again. */
const RECOUNT = 1_000;

/**
 * How many requests may wait in the queue. What waits is counted once in a thousand requests, so the bound costs no round
 * trip for each, and each further process may exceed it by a thousand.
 */
export class WaitingLimit {
  #left: number;
  #onTheWay = 0;
  #recountAt = 0;
  #counting: Promise<void> | undefined;

  constructor(
    readonly most: number,
    /** How many requests wait in the queue. */
    private readonly count: () => Promise<number>,
  ) {
    this.#left = Math.min(SHARE, most);
  }

  /**
   * Calls `send` with the number of requests for which there is room, `wanted` at most, and resolves to it. Rejects when
   * what waits cannot be counted.
   */
  async send(wanted: number, send: (room: number) => Promise<void>): Promise<number> {
    if (wanted > this.#left && performance.now() >= this.#recountAt) {
      this.#counting ??= this.#recount(Math.max(wanted, SHARE)).finally(() => (this.#counting = undefined));
      await this.#counting;
    }
    const room = Math.min(wanted, this.#left);
    if (room === 0) return 0;
    this.#left -= room;
    this.#onTheWay += room;
    try {
      await send(room);
    } finally {
      this.#onTheWay -= room;
    }
    return room;
  }

  async #recount(share: number): Promise<void> {
    const room = Math.max(0, this.most - this.#onTheWay - (await this.count()));
    this.#left = Math.min(share, room);
    if (room === 0) this.#recountAt = performance.now() + RECOUNT;
  }
}
