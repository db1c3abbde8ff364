import { AsyncLocalStorage } from 'node:async_hooks';
import type { Dependencies } from './dependencies.js';

/**
 * A running fetch, and the fetches that it runs for: a fetch that reads another cached value may fetch that value as
 * well.
 */
export class FetchFlow<Context = unknown> {
  /** Set when the fetch has ended. A read that it left running is not a part of it any more. */
  isOver = false;
  /** Fetches that must end before this one can. Most wait for none. */
  #waitsFor: Set<FetchFlow> | undefined;
  #context: Context | undefined;

  constructor(
    /** Called when the fetch first asks for its context. Most fetches never do. */
    private createContext: (() => Context) | undefined,
    readonly keys: readonly string[],
    /** Undefined when what it reads does not matter. */
    readonly dependencies: Dependencies | undefined,
    /**
     * Whether it waits for new values in the place of stale ones: a refresh built on stale values would add their age
     * to its own.
     */
    readonly buildsOnNew: boolean,
    private readonly outer: FetchFlow | undefined,
  ) {}

  get context(): Context {
    this.#context ??= this.createContext?.();
    return this.#context as Context;
  }

  /** Starts a fetch as a part of this flow. Call `leave` when it has ended. */
  enter<Result>(fetch: () => Result): Result {
    const { outer } = this;
    if (outer !== undefined) outer.#wait(this);
    running++;
    return storage.run(this, fetch);
  }

  /**
   * On Node 20 an AsyncLocalStorage that has ever run makes every promise of the process cost about twice as much,
   * including those of a hit. So it is disabled whenever no fetch is running.
   */
  leave(): void {
    const { outer } = this;
    this.isOver = true;
    this.createContext = undefined;
    if (outer !== undefined) outer.#waitsFor?.delete(this);
    running--;
    if (running === 0) storage.disable();
  }

  /** Runs a fetch as a part of this flow, until it ends. */
  run<Result>(fetch: () => Result): Result {
    const leave = (): void => {
      this.leave();
    };
    try {
      const result = this.enter(fetch);
      if (result instanceof Promise) result.then(leave, leave);
      else leave();
      return result;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** The keys from the fetch of this key to the read of it, if this flow is a part of that fetch. */
  chainTo(key: string): readonly string[] | undefined {
    const chain = [key];
    for (const flow of this.#around) {
      if (flow.isOver) return undefined;
      if (flow.keys.includes(key)) return [key, ...chain];
      if (flow.keys.length > 0) chain.unshift(flow.#name);
    }
    return undefined;
  }

  /**
   * Waits for what another flow fetches. If that flow waits for this one, `refuse` is called with the chain of keys
   * instead.
   */
  async waitFor<Result>(
    other: FetchFlow | undefined,
    end: () => Promise<Result>,
    refuse: (chain: readonly string[]) => Result,
  ): Promise<Result> {
    if (other === undefined) return end();
    const chain = this.#chainFrom(other, new Set());
    if (chain !== undefined) return refuse([this.#name, ...chain]);
    this.#wait(other);
    try {
      return await end();
    } finally {
      this.#waitsFor?.delete(other);
    }
  }

  #wait(other: FetchFlow): void {
    this.#waitsFor ??= new Set();
    this.#waitsFor.add(other);
  }

  /** The keys from a flow to one that this flow is a part of, along what each flow waits for. */
  #chainFrom(flow: FetchFlow, met: Set<FetchFlow>): readonly string[] | undefined {
    if (this.#isPartOf(flow)) return [flow.#name];
    if (met.has(flow)) return undefined;
    met.add(flow);
    for (const next of flow.#waitsFor ?? []) {
      const chain = this.#chainFrom(next, met);
      if (chain !== undefined) return [flow.#name, ...chain];
    }
    return undefined;
  }

  #isPartOf(other: FetchFlow): boolean {
    return this.#around.includes(other);
  }

  /** This flow and those that it is a part of, from the inside to the outside. */
  get #around(): readonly FetchFlow[] {
    return this.outer === undefined ? [this] : [this, ...this.outer.#around];
  }

  get #name(): string {
    const [first = '', ...others] = this.keys;
    return others.length === 0 ? first : `${first} and ${String(others.length)} more`;
  }
}

const storage = new AsyncLocalStorage<FetchFlow>();
let running = 0;

/** The fetch that the caller is a part of. Costs one comparison while no fetch runs in this process. */
export function currentFlow(): FetchFlow | undefined {
  if (running === 0) return undefined;
  const flow = storage.getStore();
  return flow === undefined || flow.isOver ? undefined : flow;
}
