import { Deadlines } from './deadlines.js';
import type { Entry, Fill } from './entry.js';
import { StoreError, StoreSuspendedError, StoreTimeoutError } from './errors.js';
import type { Acquisition, Awaitable, Claim, Clock, Lease, LeaseEnding, Store } from './ports.js';

/** Failures in a row that open the circuit. */
const TOLERATED = 3;
/** How long the open circuit lets nothing through; then one operation tries, and closes it or starts this anew. */
const SUSPENSION = 500;

/**
 * A remote store that can be relied on to answer or fail within a deadline, and that is left alone for a moment when it
 * keeps failing: a reader then does not wait for it at all.
 */
export class GuardedStore implements Store {
  readonly #deadlines: Deadlines;
  #failures = 0;
  #suspendedUntil = 0;
  #probing = false;

  constructor(
    private readonly store: Store,
    /** Milliseconds. */
    private readonly timeout: number,
    private readonly clock: Clock,
  ) {
    this.#deadlines = new Deadlines(timeout, clock);
  }

  get capabilities(): Store['capabilities'] {
    return this.store.capabilities;
  }

  now(): number {
    return this.store.now();
  }

  read(key: string): Promise<Entry | undefined> {
    return this.#guard('read', () => this.store.read(key));
  }

  readMany(keys: readonly string[]): ReturnType<Store['readMany']> {
    return this.#guard('readMany', () => this.store.readMany(keys));
  }

  async acquire(key: string, claim: Claim): Promise<Acquisition> {
    const acquire = (): ReturnType<Store['acquire']> => this.store.acquire(key, claim);
    const giveBack = (acquired: Acquisition): void => {
      if (acquired.kind === 'granted') void this.#giveBack(acquired.lease);
    };
    for (;;) {
      const acquired = await this.#guard('acquire', acquire, giveBack);
      // A process that stood still hears of a lease that is over: somebody else may be fetching.
      if (acquired.kind !== 'granted' || this.now() < acquired.lease.grantedAt + claim.lease) return acquired;
    }
  }

  renew(lease: Lease, ms: number): ReturnType<Store['renew']> {
    return this.#guard('renew', () => this.store.renew(lease, ms));
  }

  commit(lease: Lease, fill: Fill): ReturnType<Store['commit']> {
    return this.#guard('commit', () => this.store.commit(lease, fill));
  }

  release(lease: Lease, ending: LeaseEnding): ReturnType<Store['release']> {
    return this.#guard('release', () => this.store.release(lease, ending));
  }

  set(key: string, fill: Fill): ReturnType<Store['set']> {
    return this.#guard('set', () => this.store.set(key, fill));
  }

  invalidate(key: string): ReturnType<Store['invalidate']> {
    return this.#guard('invalidate', () => this.store.invalidate(key));
  }

  delete(key: string): ReturnType<Store['delete']> {
    return this.#guard('delete', () => this.store.delete(key));
  }

  invalidateTags(tags: readonly string[]): Promise<void> {
    return this.#walk('invalidateTags', () => this.store.invalidateTags(tags));
  }

  deleteTags(tags: readonly string[]): Promise<void> {
    return this.#walk('deleteTags', () => this.store.deleteTags(tags));
  }

  clear(): Promise<void> {
    return this.#walk('clear', () => this.store.clear());
  }

  close(): ReturnType<Store['close']> {
    return this.store.close();
  }

  /** Somebody else has found that the store works again: nobody is refused any more. */
  resume(): void {
    this.#failures = 0;
    this.#probing = false;
  }

  /**
   * A walk over many keys takes its time, so that a deadline made for one operation does not fit it. It fails when the
   * store does not answer anybody any more; then it is done in part.
   */
  async #walk(operation: string, run: () => Awaitable<void>): Promise<void> {
    let over = false;
    let cancel = (): void => undefined;
    const silent = new Promise<never>((_, reject) => {
      const look = (): void => {
        if (over) return;
        cancel = this.clock.schedule(this.timeout, () => {
          this.read('').then(look, (cause: unknown) => {
            reject(new StoreError(operation, { cause }));
          });
        });
      };
      look();
    });
    try {
      await Promise.race([run(), silent]);
    } finally {
      over = true;
      cancel();
    }
  }

  /** `late`: told of an answer that came after its deadline. */
  #guard<Result>(
    operation: string,
    run: () => Awaitable<Result>,
    late?: (result: Result) => void,
  ): Promise<Result> {
    if (this.#suspended()) return Promise.reject(new StoreSuspendedError(operation));
    return new Promise<Result>((resolve, reject) => {
      const timed = this.#deadlines.start(() => {
        this.#failed();
        reject(new StoreTimeoutError(operation, this.timeout));
      });
      const succeed = (result: Result): void => {
        if (this.#deadlines.end(timed)) {
          this.resume();
          resolve(result);
        } else late?.(result);
      };
      const fail = (cause: unknown): void => {
        if (!this.#deadlines.end(timed)) return;
        this.#failed();
        reject(cause instanceof StoreError ? cause : new StoreError(operation, { cause }));
      };
      try {
        const result = run();
        if (result instanceof Promise) result.then(succeed, fail);
        else succeed(result);
      } catch (error) {
        fail(error);
      }
    });
  }

  /**
   * Whoever asked for it has gone: until it ran out, nobody could fill the key. Not guarded: a store that answers late is
   * likely to be one that is left alone.
   */
  async #giveBack(lease: Lease): Promise<void> {
    try {
      await this.store.release(lease, { kind: 'unfilled' });
    } catch {
      // It will run out.
    }
  }

  #suspended(): boolean {
    if (this.#failures < TOLERATED) return false;
    if (this.#probing || this.clock.now() < this.#suspendedUntil) return true;
    this.#probing = true;
    return false;
  }

  #failed(): void {
    this.#failures++;
    this.#probing = false;
    this.#suspendedUntil = this.clock.now() + SUSPENSION;
  }
}
