import type { ChangeFeed, ChangeListener } from '../../lib/core/ports.js';
import type { SimProcess } from './process.js';
import type { World } from './world.js';

/** Reports to one process what others changed: late, in order, and not at all while its connection is broken. */
export class SimFeed implements ChangeFeed {
  live = false;
  /** The last change that was reported to this process. Earlier ones were reported as well, or the feed was lost. */
  told = 0;
  #listener: ChangeListener | undefined;
  /** Counts the connections; 0 means none. */
  #connected = 0;
  #connections = 0;
  #lastArrival = 0;

  constructor(
    private readonly world: World,
    private readonly owner: SimProcess,
  ) {}

  subscribe(listener: ChangeListener): void {
    this.#listener = listener;
    this.#connect();
  }

  close(): void {
    this.#connected = 0;
  }

  /** The server reports a change. */
  changed(key: string, order: number): void {
    this.#tell(() => {
      this.told = order;
      this.#listener?.changed([key]);
    });
  }

  everythingChanged(): void {
    this.#tell(() => this.#listener?.restored());
  }

  /** The connection breaks, and no side notices for a while. */
  break(): void {
    const { scheduler, random } = this.world;
    if (this.#connected === 0) return;
    this.#connected = 0;
    this.world.note(() => `the feed of ${this.owner.name} breaks`);
    scheduler.after(
      random.between(1, 1_000),
      () => {
        this.world.note(() => `${this.owner.name} has lost its feed`);
        this.live = false;
        this.#listener?.lost();
        scheduler.after(random.between(1, 800), () => this.#connect(), this.owner);
      },
      this.owner,
    );
  }

  #connect(): void {
    const { scheduler, random, history, weather } = this.world;
    if (this.owner.link.cut || weather.down !== undefined) {
      scheduler.after(200, () => this.#connect(), this.owner);
      return;
    }
    scheduler.quietly(random.between(1, 20), () => {
      const connection = ++this.#connections;
      this.#connected = connection;
      const since = history.next();
      this.#tell(() => {
        this.world.note(() => `the feed of ${this.owner.name} is live`);
        this.told = since;
        this.#listener?.restored();
        this.live = true;
      });
    });
  }

  #tell(tell: () => void): void {
    const { scheduler, random } = this.world;
    const connection = this.#connected;
    if (connection === 0) return;
    this.#lastArrival = Math.max(this.#lastArrival, scheduler.now + random.between(1, 60));
    scheduler.after(
      this.#lastArrival - scheduler.now,
      () => {
        if (this.#connected === connection) tell();
      },
      this.owner,
    );
  }
}
