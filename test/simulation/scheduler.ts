/** The process whose code an event runs. */
export interface Owner {
  /** True after a crash: none of its events runs any more, so its promises stay pending for ever. */
  readonly dead: boolean;
  /** Its events wait until this time. */
  readonly frozenUntil: number;
}

interface Happening {
  at: number;
  /** Decides the order of events at the same time. */
  tie: number;
  order: number;
  readonly owner: Owner | undefined;
  readonly run: () => void;
  /** Whether it may settle promises of the code under test, whose reactions belong to it. */
  readonly settles: boolean;
  cancelled: boolean;
}

const START = Date.UTC(2026, 0, 1, 14);

/**
 * Virtual time, and every event in it. Nothing else runs anything: between two events all promise reactions run to
 * their end, and a timer or a message that they start is another event.
 */
export class Scheduler {
  now = START;
  /** Set when nothing more is to run. */
  stopped = false;
  readonly #heap: Happening[] = [];
  #order = 0;

  /** Runs something of `owner` in `ms` milliseconds. Returns a function that cancels it. */
  after(ms: number, run: () => void, owner?: Owner, tie = 0.5): () => void {
    const happening = this.#add(ms, tie, owner, run, true);
    return () => {
      happening.cancelled = true;
    };
  }

  /** Runs something of the simulation itself, which settles no promise. */
  quietly(ms: number, run: () => void, tie = 0.5): void {
    this.#add(ms, tie, undefined, run, false);
  }

  /** How many events are to come. */
  get pending(): number {
    return this.#heap.reduce((count, { cancelled, owner }) => count + (cancelled || owner?.dead === true ? 0 : 1), 0);
  }

  /** Lets `ms` pass. */
  advance(ms: number): Promise<void> {
    const until = this.now + ms;
    return new Promise((resolve, reject) => {
      // A turn of the event loop for each event: all promise reactions run in between.
      const turn = (): void => {
        try {
          if (this.#runUntilSettling(until)) setImmediate(turn);
          else resolve();
        } catch (error) {
          reject(error);
        }
      };
      setImmediate(turn);
    });
  }

  /** False when nothing is left to run until then. */
  #runUntilSettling(until: number): boolean {
    while (!this.stopped) {
      const next = this.#heap[0];
      if (next === undefined || next.at > until) {
        this.now = Math.max(this.now, until);
        return false;
      }
      this.#pop();
      if (next.cancelled || next.owner?.dead === true) continue;
      if (next.owner !== undefined && next.owner.frozenUntil > next.at) {
        next.at = next.owner.frozenUntil;
        next.tie = 0.5;
        next.order = this.#order++;
        this.#push(next);
        continue;
      }
      this.now = next.at;
      next.run();
      if (next.settles) return true;
    }
    return false;
  }

  #add(ms: number, tie: number, owner: Owner | undefined, run: () => void, settles: boolean): Happening {
    const at = this.now + Math.max(0, Math.ceil(ms));
    const happening = { at, tie, order: this.#order++, owner, run, settles, cancelled: false };
    this.#push(happening);
    return happening;
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let index = heap.push(happening) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent]!;
      if (!isBefore(happening, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = happening;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(one: Happening, other: Happening): boolean {
  if (one.at !== other.at) return one.at < other.at;
  if (one.tie !== other.tie) return one.tie < other.tie;
  return one.order < other.order;
}
