import { Deadlines } from './deadlines.js';
import { JoinedReads } from './joined-reads.js';
import type { Entry, Fill } from '../entry.js';
import { StoreError, StoreSuspendedError, StoreTimeoutError } from '../errors.js';
import type {
  Acquisition,
  Awaitable,
  Claim,
  Clock,
  KeyPage,
  Lease,
  LeaseEnding,
  Noticeboard,
  ReleaseResult,
  Store,
} from '../ports.js';

/** Consecutive failures that open the circuit. */
const TOLERATED = 3;
/**
 * Milliseconds for which the open circuit lets nothing through. Then one operation tries, and closes it or opens it
 * again.
 */
const SUSPENSION = 500;

/** Milliseconds without a failure after which a success ends an outage. */
const QUIET = 1_000;

export interface StoreOutageOptions {
  /** Stands in the errors of the store. *Default:* none. */
  readonly name?: string;
  /** Called when what had failed succeeds again, with the seconds since the first failure. *Default:* nothing. */
  readonly onRecovery?: (seconds: number) => void;
}

/**
 * A remote store whose operations succeed or fail within a deadline. While it keeps failing it is left alone for a
 * moment, so that readers do not wait for it at all.
 */
export class GuardedStore implements Store {
  readonly #deadlines: Deadlines;
  readonly #reads = new JoinedReads((key) => this.#guard('read', () => this.store.read(key)));
  /** Operations that failed in the present outage and have not succeeded since. */
  readonly #failing = new Set<string>();
  #failingSince = 0;
  #lastFailedAt = 0;
  #failures = 0;
  #suspendedUntil = 0;
  #probing = false;

  constructor(
    private readonly store: Store,
    /** Milliseconds. */
    private readonly timeout: number,
    private readonly clock: Clock,
    private readonly outages: StoreOutageOptions = {},
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
    return this.#reads.read(key);
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
      // A process that stood still may receive a lease that has expired already; another process may be fetching by
      // now.
      if (acquired.kind !== 'granted' || this.now() < acquired.lease.grantedAt + claim.lease) return acquired;
    }
  }

  renew(lease: Lease, ms: number): ReturnType<Store['renew']> {
    return this.#guard('renew', () => this.store.renew(lease, ms));
  }

  commit(lease: Lease, fill: Fill): ReturnType<Store['commit']> {
    return this.#guard('commit', () => this.store.commit(lease, fill));
  }

  leaseRemaining(key: string): Promise<number | undefined> {
    return this.#guard('leaseRemaining', () => this.store.leaseRemaining?.(key));
  }

  /** Not guarded: a person waits for it, and what it costs depends on the number of keys. */
  browse(prefix: string, cursor: string, atLeast: number): Awaitable<KeyPage | undefined> {
    return this.store.browse?.(prefix, cursor, atLeast);
  }

  /** Not guarded: whether notes can be left says nothing about whether entries can be read. */
  get noticeboard(): Noticeboard | undefined {
    return this.store.noticeboard;
  }

  async release(lease: Lease, ending: LeaseEnding, tags?: readonly string[]): Promise<ReleaseResult> {
    try {
      return await this.#guard('release', () => this.store.release(lease, ending, tags));
    } catch (error) {
      // The store was not asked. It must know all the same that nobody uses the lease, so that it ends when it can.
      if (error instanceof StoreSuspendedError) void this.#giveBack(lease);
      throw error;
    }
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

  invalidateAll(prefix: string): Promise<void> {
    return this.#walk('invalidateAll', () => this.store.invalidateAll(prefix));
  }

  deleteAll(prefix: string): Promise<void> {
    return this.#walk('deleteAll', () => this.store.deleteAll(prefix));
  }

  clear(): Promise<void> {
    return this.#walk('clear', () => this.store.clear());
  }

  close(): ReturnType<Store['close']> {
    return this.store.close();
  }

  /** Closes the circuit: another part of the process has found that the store works again. */
  resume(): void {
    this.#failures = 0;
    this.#probing = false;
  }

  /**
   * A walk over many keys takes longer than the deadline of one operation. It fails only when the store stops answering
   * altogether; part of it may be done by then.
   */
  async #walk(operation: string, run: () => Awaitable<void>): Promise<void> {
    let over = false;
    let cancel = (): void => undefined;
    const silent = new Promise<never>((_, reject) => {
      const look = (): void => {
        if (over) return;
        cancel = this.clock.schedule(this.timeout, () => {
          this.read('').then(look, (cause: unknown) => {
            reject(this.#named(new StoreError(operation, { cause })));
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

  /** `late` is called with an answer that came after its deadline. */
  #guard<Result>(operation: string, run: () => Awaitable<Result>, late?: (result: Result) => void): Promise<Result> {
    if (this.#suspended()) return Promise.reject(new StoreSuspendedError(operation));
    return new Promise<Result>((resolve, reject) => {
      const timed = this.#deadlines.start(() => {
        this.#failed(operation);
        reject(this.#named(new StoreTimeoutError(operation, this.timeout)));
      });
      const succeed = (result: Result): void => {
        if (this.#deadlines.end(timed)) {
          this.resume();
          this.#succeeded(operation);
          resolve(result);
        } else late?.(result);
      };
      const fail = (cause: unknown): void => {
        if (!this.#deadlines.end(timed)) return;
        this.#failed(operation);
        reject(this.#named(cause instanceof StoreError ? cause : new StoreError(operation, { cause })));
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
   * The caller that asked for the lease has given up, and until the lease expired nobody could fill the key. Not
   * guarded, because a store that answers late is likely to be suspended.
   */
  async #giveBack(lease: Lease): Promise<void> {
    try {
      await this.store.release(lease, { kind: 'unfilled' });
    } catch {
      // The lease expires by itself.
    }
  }

  #suspended(): boolean {
    if (this.#failures < TOLERATED) return false;
    if (this.#probing || this.clock.now() < this.#suspendedUntil) return true;
    this.#probing = true;
    return false;
  }

  #failed(operation: string): void {
    const now = this.clock.now();
    this.#failures++;
    this.#probing = false;
    this.#suspendedUntil = now + SUSPENSION;
    if (this.#failing.size === 0) this.#failingSince = now;
    this.#failing.add(operation);
    this.#lastFailedAt = now;
  }

  /** A store may refuse one operation and do another, so only one that had failed tells that the outage is over. */
  #succeeded(operation: string): void {
    if (this.#failing.size === 0 || !this.#failing.has(operation)) return;
    const now = this.clock.now();
    if (now - this.#lastFailedAt < QUIET) return;
    this.#failing.clear();
    this.outages.onRecovery?.((now - this.#failingSince) / 1_000);
  }

  #named(error: StoreError): StoreError {
    if (this.outages.name !== undefined) error.store = this.outages.name;
    return error;
  }
}
