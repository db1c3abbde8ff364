import type { JobCore } from '../job/job-core.js';

/** Milliseconds between two looks where nobody reports changes: short at first, since most fetches are. */
const FIRST = 2;
const LONGEST = 25;
/** Milliseconds between two looks while changes are reported. A fetch that ends without a value changes no entry. */
const UNREPORTED = 100;

/** The wait of a reader for the fetch of another process. */
export class ForeignFetch {
  #step = FIRST;
  #changed: Promise<void> | undefined;
  #endWatch: (() => void) | undefined;

  constructor(
    private readonly job: JobCore,
    private readonly key: string,
  ) {}

  /** Resolves when it is time to look again, at the latest in `most` milliseconds. */
  async wait(most: number): Promise<void> {
    // The entry may have changed before the watch began, so the first wait looks once more at once.
    if (this.#changed === undefined && this.#watch()) return;
    const { clock } = this.job.environment;
    const ms = Math.min(most, this.#changed === undefined ? this.#nextStep() : UNREPORTED);
    let cancel = (): void => undefined;
    const pause = new Promise<void>((resolve) => {
      cancel = clock.schedule(ms, resolve);
    });
    await (this.#changed === undefined ? pause : Promise.race([this.#changed, pause]));
    cancel();
  }

  /** Call it when the reader waits no more. */
  end(): void {
    this.#endWatch?.();
  }

  #nextStep(): number {
    const step = this.#step;
    this.#step = Math.min(LONGEST, step * 2);
    return step;
  }

  #watch(): boolean {
    const changed = new Promise<void>((resolve) => {
      this.#endWatch = this.job.store.watch?.(this.key, () => {
        this.#changed = undefined;
        resolve();
      });
    });
    if (this.#endWatch === undefined) return false;
    this.#changed = changed;
    return true;
  }
}
