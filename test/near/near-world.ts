import type { Claim, Store } from '../../lib/core/ports.js';
import { MemoryStore } from '../../lib/memory/memory-store.js';
import { NearStore } from '../../lib/near/near-store.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { StoreUser } from '../../lib/testing/store-user.js';
import { HandFeed } from './hand-feed.js';

const WRITES: ReadonlySet<string> = new Set(['acquire', 'commit', 'set']);

/** A shared store that a test controls. */
class SharedStore {
  /** `full`: it answers reads and refuses writes, as a Redis at its `maxmemory` does. */
  state: 'up' | 'full' | 'dead' = 'up';
  readonly calls: string[] = [];
  /** Keys for which writes are refused. */
  readonly refused = new Set<string>();
  readonly #memory: MemoryStore;
  readonly #held: { operation: string; moment: 'question' | 'answer'; released: Promise<void>; reached: () => void }[] =
    [];
  readonly store: Store;

  constructor(clock: ManualClock) {
    this.#memory = new MemoryStore({ clock });
    this.store = new Proxy<Store>(this.#memory, {
      get: (target, name: Exclude<keyof Store, 'hasCopy' | 'watch' | 'browse' | 'noticeboard'>) => {
        const member = target[name];
        if (name === 'now') return () => target.now();
        if (typeof member !== 'function') return member;
        return (...args: [string?]) => this.#call(name, args);
      },
    });
  }

  /** Stops the next call of an operation, before or after it does its work. */
  hold(operation: keyof Store, moment: 'question' | 'answer'): { reached: Promise<void>; release: () => void } {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const reached = new Promise<void>((resolve) => this.#held.push({ operation, moment, released, reached: resolve }));
    return { reached, release };
  }

  async #call(
    name: Exclude<keyof Store, 'hasCopy' | 'watch' | 'browse' | 'noticeboard'>,
    args: [(string | { key: string })?],
  ): Promise<unknown> {
    this.calls.push(name);
    const index = this.#held.findIndex(({ operation }) => operation === name);
    const [held] = index < 0 ? [] : this.#held.splice(index, 1);
    const stop = async (moment: 'question' | 'answer'): Promise<void> => {
      if (held?.moment !== moment) return;
      held.reached();
      await held.released;
    };
    await stop('question');
    const [about = ''] = args;
    const isRefused = this.state === 'full' || this.refused.has(typeof about === 'string' ? about : about.key);
    if (this.state === 'dead' || (WRITES.has(name) && isRefused)) throw new Error(`The store is ${this.state}`);
    const result = Reflect.apply(this.#memory[name] as () => unknown, this.#memory, args);
    await stop('answer');
    return result;
  }
}

export interface NearWorldOptions {
  max?: number;
  age?: number;
  /** *Default:* one that is told by hand. */
  feed?: 'none';
}

/** One process with a near store, its shared store, and another process that has the shared store alone. */
export class NearWorld {
  readonly clock = new ManualClock();
  readonly shared = new SharedStore(this.clock);
  readonly feed = new HandFeed();
  readonly near: NearStore;
  readonly failures: string[] = [];
  /** This process. */
  readonly own: StoreUser;
  /** Another one. */
  readonly other: StoreUser;

  constructor({ max = 100, age = 30_000, feed }: NearWorldOptions = {}) {
    this.near = new NearStore({
      store: this.shared.store,
      feed: feed === 'none' ? undefined : this.feed,
      clock: this.clock,
      max,
      age,
      onFailure: (operation) => this.failures.push(operation),
    });
    this.feed.restore();
    const advance = (ms: number): Promise<void> => this.clock.advance(ms);
    const close = async (): Promise<void> => undefined;
    this.own = new StoreUser({ store: this.near, advance, close });
    this.other = new StoreUser({ store: this.shared.store, advance, close });
  }

  /** The operations that the shared store receives meanwhile. */
  readonly asked = async (run: () => Promise<unknown>): Promise<string[]> => {
    this.shared.calls.length = 0;
    await run();
    await this.clock.advance(0);
    return [...this.shared.calls];
  };
}

export function claim(but: Partial<Claim> = {}): Claim {
  return { lease: 10_000, respectBackoff: true, takeOver: false, ...but };
}
