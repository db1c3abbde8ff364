/** What every cached value contains: the version of the key, and the fetch that brought it. */
export interface Value {
  readonly key: string;
  readonly version: number;
  /** 0 when the value was set. */
  readonly fetch: number;
}

/** One call of `fetch` or `fetchMany`, as the origin saw it. Times are of the monotonic clock of the parent process. */
export interface Fetch {
  readonly id: number;
  readonly process: string;
  readonly job: string;
  readonly keys: readonly string[];
  readonly startedAt: number;
  /** Undefined while it is under way. */
  endedAt?: number;
  /** `gone`: the process was gone when the answer came. */
  outcome?: 'answered' | 'failed' | 'gone';
}

/** Makes some fetches wait. */
export interface Hold {
  /** The fetches that are waiting. */
  readonly waiting: readonly Fetch[];
  release(): void;
}

/**
 * The source of the data: versions, and a log of every fetch. A fetch returns the version at the moment at which it
 * begins.
 */
export class Origin {
  readonly fetches: Fetch[] = [];
  /** How long a fetch takes, in milliseconds. */
  delay: (fetch: Fetch) => number = () => 0;
  failing: (fetch: Fetch) => boolean = () => false;
  readonly #versions = new Map<string, number>();
  readonly #holds = new Set<{ matches: (fetch: Fetch) => boolean; waiting: Fetch[]; released: Promise<void> }>();

  versionOf(key: string): number {
    return this.#versions.get(key) ?? 1;
  }

  /** The current value, as a process would set it after writing it. */
  valueOf(key: string): Value {
    return { key, version: this.versionOf(key), fetch: 0 };
  }

  write(key: string): number {
    const version = this.versionOf(key) + 1;
    this.#versions.set(key, version);
    return version;
  }

  hold(matches: (fetch: Fetch) => boolean = () => true): Hold {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const hold = { matches, waiting: [] as Fetch[], released };
    this.#holds.add(hold);
    return {
      waiting: hold.waiting,
      release: () => {
        this.#holds.delete(hold);
        release();
      },
    };
  }

  /** Only the next fetch of a key. */
  holdNext(key: string): Hold {
    let held = false;
    return this.hold(({ keys }) => {
      if (held || !keys.includes(key)) return false;
      held = true;
      return true;
    });
  }

  async fetch(process: string, job: string, keys: readonly string[]): Promise<Value[]> {
    const fetch: Fetch = { id: this.fetches.length + 1, process, job, keys, startedAt: performance.now() };
    this.fetches.push(fetch);
    const failing = this.failing(fetch);
    const values = keys.map((key) => ({ key, version: this.versionOf(key), fetch: fetch.id }));
    const delay = this.delay(fetch);
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    for (const { matches, waiting, released } of this.#holds) {
      if (!matches(fetch)) continue;
      waiting.push(fetch);
      await released;
    }
    if (fetch.outcome === undefined) this.#end(fetch, failing ? 'failed' : 'answered');
    if (failing) throw new Error('the origin is down');
    return values;
  }

  /** Called when a process has ended, so that its fetches count as gone. */
  forget(process: string): void {
    for (const fetch of this.fetches) {
      if (fetch.process === process && fetch.outcome === undefined) this.#end(fetch, 'gone');
    }
  }

  /** Fetches of a job's key, or of all its keys. */
  of(job: string, key?: string): Fetch[] {
    return this.fetches.filter((fetch) => fetch.job === job && (key === undefined || fetch.keys.includes(key)));
  }

  #end(fetch: Fetch, outcome: NonNullable<Fetch['outcome']>): void {
    fetch.endedAt = performance.now();
    fetch.outcome = outcome;
  }
}
