import type { Entry, Failure, Fill } from './entry.js';
import type { CacheEvent } from './events.js';

export type Awaitable<T> = T | Promise<T>;

/**
 * Where entries live. A store that answers without a promise is read without one: that is the fast path of the
 * embedded default. A store that fails rejects; what that means to a reader is decided above it.
 */
export interface Store {
  readonly capabilities: StoreCapabilities;
  /** The clock that dates the entries, in milliseconds: a shared store's is its server's. */
  now(): number;
  /** The caller owns what it gets unless the entry says `copyOnRead` or its value is frozen. */
  read(key: string): Awaitable<Entry | undefined>;
  /** One round trip; answers in the order of `keys`. */
  readMany(keys: readonly string[]): Awaitable<readonly (Entry | undefined)[]>;
  /** Asks for the right to fill a key. One holder at a time; a holder that dies loses it after `claim.lease`. */
  acquire(key: string, claim: Claim): Awaitable<Acquisition>;
  /** Lengthens a lease to `ms` from now. False: it is no longer the holder's. */
  renew(lease: Lease, ms: number): Awaitable<boolean>;
  /** Writes under a lease and ends it. The entry is dated from the start of the lease; its generation is the token. */
  commit(lease: Lease, fill: Fill): Awaitable<CommitResult>;
  /** Ends a lease without a value. Without the lease it changes nothing. */
  release(lease: Lease, ending: LeaseEnding): Awaitable<void>;
  /** Writes without a lease, and takes the right to fill from whoever holds it. */
  set(key: string, fill: Fill): Awaitable<void>;
  /** Makes the entry stale from now on. A holder's commit will be refused as `revoked`. */
  invalidate(key: string): Awaitable<Invalidation>;
  /** Removes the entry with its failures, and takes the right to fill from whoever holds it. True: there was a value. */
  delete(key: string): Awaitable<boolean>;
  /**
   * As `invalidate` for every entry that has one of the tags. A fetch that is under way and turns out to have one of
   * them is refused as `revoked`. Costs one operation per tagged entry.
   */
  invalidateTags(tags: readonly string[]): Awaitable<void>;
  /** As `delete` for every entry that has one of the tags; a fetch under way that turns out to have one is refused. */
  deleteTags(tags: readonly string[]): Awaitable<void>;
  /** Removes every entry of this store's prefix, and takes every right to fill. */
  clear(): Awaitable<void>;
  close(): Awaitable<void>;
}

export interface StoreCapabilities {
  /** Other processes see the same entries. */
  readonly shared: boolean;
  /** How far a lease holds: a `process` fence cannot stop another process from writing old data. */
  readonly fence: 'cluster' | 'process';
  /** Only this process can refresh what it reads here, always or for the time being: no other one is asked to. */
  readonly alone?: boolean;
}

export interface Claim {
  /** How long the right to fill lasts without renewal, in milliseconds. */
  readonly lease: number;
  /** Refuse with `changed` unless the key still holds this generation (`''`: no value). Undefined: whatever it holds. */
  readonly generation?: string | undefined;
  /** Refuse with `backoff` while one runs. */
  readonly respectBackoff: boolean;
  /** Take the right from whoever has it. */
  readonly takeOver: boolean;
}

export interface Lease {
  readonly key: string;
  readonly token: string;
  /** When it was granted, by the store's clock: what `storedAt` will be. */
  readonly grantedAt: number;
}

export type Acquisition =
  | {
      readonly kind: 'granted';
      readonly lease: Lease;
      /** Failures in a row before this attempt. */
      readonly failures: number;
      /** Reads the entry that the fill will replace; decoded only when asked for. */
      readonly previous: () => Entry | undefined;
    }
  | { readonly kind: 'busy'; readonly token: string; readonly remaining: number }
  | { readonly kind: 'backoff'; readonly remaining: number }
  | { readonly kind: 'changed' };

/**
 * `stored`   written.
 * `revoked`  refused: the key was invalidated during the fetch. The lease is over; one more fetch is due.
 * `lost`     refused: the lease ran out, or set, delete or clear took it.
 */
export type CommitResult = 'stored' | 'revoked' | 'lost';

export type LeaseEnding =
  | { readonly kind: 'unfilled' }
  /** Counts one more failure of the key; `retryIn` milliseconds from now the next attempt may start. */
  | { readonly kind: 'failed'; readonly message: string; readonly retryIn: number }
  /** Removes the entry: the origin says that it is gone. */
  | { readonly kind: 'gone' };

export interface Invalidation {
  /** There was an entry with a value. */
  readonly found: boolean;
  /** Somebody is filling the key; he will see that his commit is refused and fetch once more. */
  readonly held: boolean;
  readonly generation: string;
  /** Refreshes of it that failed in a row. */
  readonly failure?: Failure | undefined;
}

/** Tells what others changed in a shared store, for copies near the readers. */
export interface ChangeFeed {
  /** Every change by another process is told within moments. While false, a copy may be out of date. */
  readonly live: boolean;
  /** To be called once, before the feed can become live. */
  subscribe(listener: ChangeListener): void;
  close(): Awaitable<void>;
}

export interface ChangeListener {
  /** Entries that somebody else wrote or removed. */
  changed(keys: readonly string[]): void;
  /** From now on changes may be missed. */
  lost(): void;
  /** From now on every change is told again; what was copied before may be out of date. */
  restored(): void;
}

/** Carries requests for a refresh to whoever runs them, at most one per key and generation at a time. */
export interface RefreshQueue {
  /** Resolves when the request is in safe hands, rejects when it is not. Never called on the path of a reader. */
  request(requests: readonly RefreshRequest[]): Awaitable<void>;
  /**
   * Runs `handler` for each request, in this process. Not called in a process that only asks. `lease` is the shortest of
   * the jobs' leases in milliseconds: so soon must a process that died be noticed. *Default:* 10,000.
   */
  process(handler: RefreshHandler, lease?: number): void;
  /**
   * Calls `tick` with the name of each schedule once in its period, in one process of all. Takes the place of what was
   * scheduled before, also by an earlier release of the application.
   */
  schedule(schedules: readonly Schedule[], tick: (name: string) => Promise<void>): Awaitable<void>;
  /** Finishes or hands over what is running, within a few seconds. */
  close(): Awaitable<void>;
}

export interface Schedule {
  readonly name: string;
  /** Milliseconds. */
  readonly every: number;
}

export interface RequestedKey {
  readonly key: string;
  /** What the requester saw: with `key` the identity under which requests are deduplicated. */
  readonly generation: string;
  readonly args: readonly unknown[];
}

export interface RefreshRequest extends RequestedKey {
  readonly job: string;
  /** Keys to be fetched together with this one, by the job's `fetchMany`. They are part of the request's identity. */
  readonly others?: readonly RequestedKey[] | undefined;
  readonly options: RefreshQueueOptions;
}

/** BullMQ's options of a refresh, as far as they make sense for one. */
export interface RefreshQueueOptions {
  /** 1 is the most urgent. Requests without a priority come before all that have one. Default: none. */
  readonly priority?: number;
  /** How often one request is attempted, `backoff` apart, before the next reader has to ask again. Default: 1. */
  readonly attempts?: number;
  /** Milliseconds before the refresh may start. Default: 0. */
  readonly delay?: number;
}

export type RefreshHandler = (request: RefreshRequest, attempt: number) => Promise<RefreshOutcome>;

export type RefreshOutcome =
  | { readonly kind: 'stored' }
  /** Nothing to do any more: filled, deleted, backing off, or not to be stored. */
  | { readonly kind: 'skipped' }
  /** Somebody else is filling the key; if he dies, it is free in `retryIn` milliseconds. */
  | { readonly kind: 'busy'; readonly retryIn: number }
  /** Already reported. `retryIn`: the backoff. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly retryIn: number }
  /** This process has no such job: a deploy in progress, most likely. */
  | { readonly kind: 'unknown-job'; readonly error: Error };

/** Timers, and the time of this process. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `run` once, `ms` from now, without keeping the process alive. Returns how to cancel it. */
  schedule(ms: number, run: () => void): () => void;
  /** Runs `run` after what is going on in this turn of the event loop. */
  defer(run: () => void): void;
}

/** Told what happens. Must not throw, and must not be slow. */
export interface Observer {
  /** False: nobody listens, so no event need be made. Failures are always told. */
  readonly active: boolean;
  observe(event: CacheEvent): void;
}

/** Bytes of a portable value. Decoding bytes that are not its own must throw, and must never run code. */
export interface Codec {
  encode(value: unknown): Buffer;
  decode(bytes: Buffer): unknown;
}

