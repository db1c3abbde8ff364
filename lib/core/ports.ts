import type { Entry, Failure, Fill } from './entry.js';
import type { CacheEvent } from './events.js';

/** A value, or a promise of one. */
export type Awaitable<T> = T | Promise<T>;

/**
 * Where entries live. Reads of a store that returns no promise are synchronous inside, which is the fast path of the
 * embedded default. A store that fails rejects; its callers decide what that means for a reader.
 */
export interface Store {
  /** What the store can promise. */
  readonly capabilities: StoreCapabilities;
  /** Milliseconds on the clock that dates the entries. For a shared store it is the server's clock. */
  now(): number;
  /** The caller may keep and change the value, unless the entry says `copyOnRead` or the value is frozen. */
  read(key: string): Awaitable<Entry | undefined>;
  /** One round trip; answers in the order of `keys`. */
  readMany(keys: readonly string[]): Awaitable<readonly (Entry | undefined)[]>;
  /** Asks for the lease on a key. It has one holder at a time; a holder that dies loses it after `claim.lease`. */
  acquire(key: string, claim: Claim): Awaitable<Acquisition>;
  /** Extends a lease to `ms` from now. False when it no longer belongs to the holder. */
  renew(lease: Lease, ms: number): Awaitable<boolean>;
  /**
   * Writes under a lease and ends the lease. The entry is dated from the start of the lease; its generation is the
   * token.
   */
  commit(lease: Lease, fill: Fill): Awaitable<CommitResult>;
  /**
   * Ends a lease without a value. Changes nothing when the lease is no longer held. `tags` are those of the outcome of
   * the fetch: the lease counts as revoked when one of them was invalidated during the fetch.
   */
  release(lease: Lease, ending: LeaseEnding, tags?: readonly string[]): Awaitable<ReleaseResult>;
  /** Milliseconds that the lease on a key has left; undefined when nobody holds it, or where nobody can say. Only looks. */
  leaseRemaining?(key: string): Awaitable<number | undefined>;
  /** Whether this process holds a copy of an entry of a shared store. */
  hasCopy?(key: string): boolean;
  /**
   * Calls `changed` once, soon after the entry was written or removed by any process. Returns a function that ends the
   * watch; undefined where changes are not reported. The end of a lease alone is no change.
   */
  watch?(key: string, changed: () => void): (() => void) | undefined;
  /**
   * Some of the keys that begin with `prefix`, in no order: begin with the cursor `''`, and go on with the one of the
   * answer until it is `''`. Between two calls keys may come and go; one that was there all the time is found at least
   * once. Undefined: the store cannot list its keys.
   */
  browse?(prefix: string, cursor: string, atLeast: number): Awaitable<KeyPage | undefined>;
  /** Where the processes of the application leave notes for each other. Undefined: the store is not shared. */
  readonly noticeboard?: Noticeboard | undefined;
  /** Writes without a lease, and ends any lease on the key. */
  set(key: string, fill: Fill): Awaitable<void>;
  /** Makes the entry stale from now on. The commit of a fetch that is under way is refused as `revoked`. */
  invalidate(key: string): Awaitable<Invalidation>;
  /** Removes the entry with its failures, and ends any lease on the key. True when there was a value. */
  delete(key: string): Awaitable<boolean>;
  /**
   * Like `invalidate` for every entry that has one of the tags. A fetch under way whose value turns out to have one of
   * them is refused as `revoked`. Costs one operation per tagged entry.
   */
  invalidateTags(tags: readonly string[]): Awaitable<void>;
  /**
   * Like `delete` for every entry that has one of the tags. A fetch under way whose value turns out to have one is
   * refused.
   */
  deleteTags(tags: readonly string[]): Awaitable<void>;
  /**
   * Like `invalidate` for every entry whose key begins with `prefix`, and for every fetch of such a key that is under
   * way. Everything that began before the call is affected; a fetch that begins during the call may be. The store
   * documents the cost.
   */
  invalidateAll(prefix: string): Awaitable<void>;
  /**
   * Like `delete` for every entry whose key begins with `prefix`, and for every fetch of such a key that is under way.
   */
  deleteAll(prefix: string): Awaitable<void>;
  /** Removes every entry of this store's prefix and ends every lease. */
  clear(): Awaitable<void>;
  /** Lets go of what the store opened. Entries of a shared store stay. */
  close(): Awaitable<void>;
}

/** See `Store.browse`. */
export interface KeyPage {
  /** May be empty although there are more: a search ends after a bounded piece of work. */
  readonly keys: readonly string[];
  /** Where to go on; `''` at the end. */
  readonly cursor: string;
  /** How many keys were looked at for this page, those of others included. */
  readonly looked: number;
}

/** Notes that last for seconds, for what people look at: nothing that a reader gets depends on them. */
export interface Noticeboard {
  /** Puts a note up, in the place of the former one of its name. */
  post(name: string, text: string, ms: number): Promise<void>;
  /** The note of a name, while it lasts. */
  read(name: string): Promise<string | undefined>;
  /** Every note that lasts, by name. */
  readAll(): Promise<ReadonlyMap<string, string>>;
  /** The text that all processes agree on under a name: the first that was proposed, for `ms` from then on. */
  agree(name: string, proposal: string, ms: number): Promise<string>;
}

/** What a store can promise. */
export interface StoreCapabilities {
  /**
   * Whether other processes see the same entries. False also while a shared store cannot be reached: no other process
   * can then refresh what only this one has.
   */
  readonly shared: boolean;
  /** How far a lease holds. With `process`, another process can still write old data. */
  readonly fence: 'cluster' | 'process';
}

/** What somebody who wants to fill a key asks for. */
export interface Claim {
  /** Milliseconds that the lease lasts without renewal. */
  readonly lease: number;
  /**
   * Refuse with `changed` unless the key still has this generation (`''`: no value). Undefined: any generation will do.
   */
  readonly generation?: string | undefined;
  /** Refuse with `backoff` while the backoff of the key has not passed. */
  readonly respectBackoff: boolean;
  /** Take the lease from its present holder. */
  readonly takeOver: boolean;
}

/** The right to fill one key until it expires or is revoked. */
export interface Lease {
  /** The key that may be filled. */
  readonly key: string;
  /** Identifies the holder. It becomes the generation of the entry. */
  readonly token: string;
  /** When the lease was granted, by the store's clock. It becomes `storedAt` of the entry. */
  readonly grantedAt: number;
}

/**
 * `granted`: the lease is held. `busy`: another holder has it for so many milliseconds more. `backoff`: a refresh
 * failed, and the next attempt may start in so many milliseconds. `changed`: the key has another generation.
 */
export type Acquisition =
  | {
      readonly kind: 'granted';
      readonly lease: Lease;
      /** Consecutive failures before this attempt. */
      readonly failures: number;
      /** Returns the entry that the fill will replace. It is decoded only when this is called. */
      readonly previous: () => Entry | undefined;
    }
  | { readonly kind: 'busy'; readonly token: string; readonly remaining: number }
  | { readonly kind: 'backoff'; readonly remaining: number }
  | { readonly kind: 'changed' };

/**
 * `stored`   written.
 * `stale`    written in place of an older value, as a stale one: the key or one of its tags was invalidated during the
 *            fetch. The lease is over; one more fetch is due.
 * `revoked`  refused: it was invalidated during the fetch, and there is no older value. The lease is over; one more fetch
 *            is due.
 * `lost`     refused: the lease ran out, or set, delete or clear took it.
 */
export type CommitResult = 'stored' | 'stale' | 'revoked' | 'lost';

/** What had happened to the lease before it was released: nothing (`held`), or as in `CommitResult`. */
export type ReleaseResult = 'held' | 'revoked' | 'lost';

/** How a lease ends without a value. `unfilled` changes nothing else. */
export type LeaseEnding =
  | { readonly kind: 'unfilled' }
  /** Counts one more failure of the key; `retryIn` milliseconds from now the next attempt may start. */
  | { readonly kind: 'failed'; readonly message: string; readonly retryIn: number }
  /** Removes the entry: the origin says that it is gone. */
  | { readonly kind: 'gone' };

/** What an invalidation found. */
export interface Invalidation {
  /** Whether there was an entry with a value. */
  readonly found: boolean;
  /** Whether a fetch of the key is under way. Its commit will be refused, and it fetches once more. */
  readonly held: boolean;
  /** The generation of the entry, for the request of its refresh. */
  readonly generation: string;
  /** Its consecutive failed refreshes. */
  readonly failure?: Failure | undefined;
}

/** Reports what other processes change in a shared store, for copies of its entries. */
export interface ChangeFeed {
  /** Whether every change by another process is reported within moments. While false, a copy may be out of date. */
  readonly live: boolean;
  /** Call it once, before the feed can become live. */
  subscribe(listener: ChangeListener): void;
  /** Ends the reports. */
  close(): Awaitable<void>;
}

/** What a change feed calls. */
export interface ChangeListener {
  /** Entries that another process wrote or removed. */
  changed(keys: readonly string[]): void;
  /** Changes may be missed from now on. */
  lost(): void;
  /** Every change is reported again from now on. Copies made earlier may be out of date. */
  restored(): void;
}

/** Carries refresh requests to the process that runs them, at most one per key and generation at a time. */
export interface RefreshQueue {
  /** Whether another process may run what this one requests. *Default:* false. */
  readonly shared?: boolean;
  /**
   * Resolves when the queue has accepted the requests, rejects when it has not. Never called on the path of a reader.
   */
  request(requests: readonly RefreshRequest[]): Awaitable<void>;
  /** What waits in it, and who works on it. Only looks; rejects when the queue cannot be reached. */
  status?(): Awaitable<QueueStatus>;
  /** Drops a request for one key that has not begun. One that has begun goes on. */
  withdraw?(requested: Pick<RequestedKey, 'key' | 'generation'>): Awaitable<void>;
  /** How many live workers of all processes know the job of a key. Only looks; rejects when nobody can say. */
  workersFor?(key: string): Awaitable<number>;
  /** Whether a request for one key waits or runs. Only looks. */
  isWaiting?(requested: Pick<RequestedKey, 'key' | 'generation'>): Awaitable<boolean>;
  /**
   * Runs `handler` for each request, in this process. Not called in a process that only requests. `lease` is the
   * shortest of the jobs' leases in milliseconds; a process that died must be noticed within it. *Default:* 10,000.
   * `prefixes` lists what the keys of each job begin with, for a queue whose workers tell each other what they know.
   */
  process(handler: RefreshHandler, lease?: number, prefixes?: () => Iterable<string>): void;
  /**
   * Calls `tick` with the name of each schedule when it is due, in one process of the cluster. Replaces earlier
   * schedules, including those of an earlier release of the application.
   */
  schedule(schedules: readonly Schedule[], tick: (name: string) => Promise<void>): Awaitable<void>;
  /** Finishes or hands over what is running, within a few seconds. */
  close(): Awaitable<void>;
}

/** What waits in a queue, and who works on it. */
export interface QueueStatus {
  /** Requests that could run now and wait for a place. */
  readonly waiting: number;
  /** Milliseconds that the oldest of them has waited. */
  readonly oldest: number;
  /** Live workers of all processes. */
  readonly workers: number;
}

/** Something that is due again and again. */
export interface Schedule {
  /** Handed to `tick`. One name has one schedule. */
  readonly name: string;
  /** When it is due. */
  readonly timing: Timing;
}

/** When a schedule is due: at every period, or at the times of a cron pattern. */
export type Timing = PeriodTiming | CronTiming;

/** At every period. */
export interface PeriodTiming {
  /** Milliseconds. */
  readonly every: number;
}

/** At the times of a cron pattern. */
export interface CronTiming {
  /** In BullMQ's form: five fields, or six with seconds first. */
  readonly pattern: string;
  /** Name of a time zone, such as `Europe/Vienna`. Undefined: that of the process. */
  readonly tz?: string;
}

/** Computes the times of cron patterns. */
export interface Timetable {
  /** The first time of the pattern after an instant, in milliseconds. Throws for a wrong pattern or time zone. */
  next(timing: CronTiming, after: number): number;
}

/** A key to be refreshed. */
export interface RequestedKey {
  /** The key. */
  readonly key: string;
  /** The generation that the requester saw. Together with `key` it identifies the request. */
  readonly generation: string;
  /** The arguments for the fetch. */
  readonly args: readonly unknown[];
  /** The context of the reader that requested, as `context` of `forRoot` captured it; undefined for none. */
  readonly context?: unknown;
}

/** A request for the refresh of one key, or of several that are fetched together. */
export interface RefreshRequest extends RequestedKey {
  /** Name of the job, by which a worker finds it. */
  readonly job: string;
  /** Keys to be fetched together with this one by the job's `fetchMany`. They are part of the request's identity. */
  readonly others?: readonly RequestedKey[] | undefined;
  /** How it is queued. */
  readonly options: RefreshQueueOptions;
  /** Undefined in requests of a release that does not write it. A queue hands it over as it came. */
  readonly origin?: RequestOrigin | undefined;
}

/** Where a request comes from, for those who watch. Nothing depends on it. */
export interface RequestOrigin {
  /** When it was made: milliseconds on the clock of the job's store. */
  readonly at: number;
  /** What `Tracing.current` said where it was made. */
  readonly trace?: string | undefined;
}

/** Those of BullMQ's job options that make sense for a refresh. */
export interface RefreshQueueOptions {
  /** 1 is the most urgent. Requests without a priority come before all that have one. Default: none. */
  readonly priority?: number;
  /** How often one request is tried, `backoff` apart. After that the next reader has to request again. Default: 1. */
  readonly attempts?: number;
  /** Milliseconds before the refresh may start. Default: 0. */
  readonly delay?: number;
}

/** Runs a request. `attempt` counts from 1. Never rejects: the outcome says what happened. */
export type RefreshHandler = (request: RefreshRequest, attempt: number) => Promise<RefreshOutcome>;

/** How the run of a request ended, and so what the queue has to do. */
export type RefreshOutcome =
  | { readonly kind: 'stored' }
  /** Nothing to do any more: filled, deleted, backing off, or not to be stored. */
  | { readonly kind: 'skipped' }
  /** Somebody else is filling the key; if that process dies, the key is free in `retryIn` milliseconds. */
  | { readonly kind: 'busy'; readonly retryIn: number }
  /** Invalidated during its fetch: it has to run once more, behind those that wait. */
  | { readonly kind: 'again' }
  /** Already reported. `retryIn`: the backoff. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly retryIn: number }
  /** This process has no such job: a deploy in progress, most likely. */
  | { readonly kind: 'unknown-job'; readonly error: Error };

/** Timers, and the time of this process. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `run` once, `ms` from now, without keeping the process alive. Returns a function that cancels it. */
  schedule(ms: number, run: () => void): () => void;
  /** Runs `run` after everything else in this turn of the event loop. */
  defer(run: () => void): void;
}

/** Surrounds fetches and refreshes with spans. Must not throw, and must not change what it surrounds. */
export interface Tracing {
  /** Names what is running now to another process; undefined where nothing is traced. Called once for each request. */
  current(): string | undefined;
  around<Result>(
    step: TracedStep,
    run: () => Promise<Result>,
    endingOf: (result: Result) => StepEnding,
  ): Promise<Result>;
}

export type TracedStep =
  /** One call of a job's fetch, for one key or for many, and the storing of what it returns. */
  | { readonly kind: 'fetch'; readonly job: string; readonly background: boolean; readonly keys: number }
  /** One requested refresh, with the fetch in it. */
  | {
      readonly kind: 'refresh';
      readonly job: string;
      readonly keys: number;
      /** Milliseconds from the request to the start; undefined when the requester did not say when it was. */
      readonly wait: number | undefined;
      /** What `current` said where it was requested. It comes from the queue, so it may be any text. */
      readonly trace: string | undefined;
    };

export interface StepEnding {
  readonly outcome: string;
  /** Why it failed, if it did. */
  readonly error?: unknown;
}

/** Receives events. Must not throw, and must be fast. */
export interface Observer {
  /** Set by an adapter for traces; undefined while nobody traces. */
  tracing?: Tracing | undefined;
  /** False while nobody listens, so that no event need be made. Failures are always passed on. */
  readonly active: boolean;
  observe(event: CacheEvent): void;
}

/** Turns a portable value into bytes and back. Decoding foreign bytes must throw, and must never run code. */
export interface Codec {
  /** Throws for what cannot be stored. */
  encode(value: unknown): Buffer;
  /** Throws a `CorruptEntryError` for bytes that `encode` does not make. */
  decode(bytes: Buffer): unknown;
}
