/**
 * What a store holds for one key. Every instant is in milliseconds of the store's own clock (`Store.now()`).
 *
 * `value`    a value of `fetch`.
 * `error`    a failure of `fetch` that `onError` asked to remember; `value` is the error.
 * `vacant`   no value: only the history of failures of a key that was never filled.
 */
export interface Entry {
  /** What the entry holds: see above. */
  readonly kind: 'value' | 'error' | 'vacant';
  /** A value of `fetch` in its portable form, or the error that is remembered. Undefined for `vacant`. */
  readonly value: unknown;
  /** Readers share a `value` that cannot be frozen, so each must be given a copy. */
  readonly copyOnRead: boolean;
  /** The start of the fetch, because the data may be this old. */
  readonly storedAt: number;
  /** Milliseconds by which the oldest cached value that the fetch read was older than the fetch. *Default:* 0. */
  readonly inheritedAge?: number | undefined;
  /** The last instant at which the value is fresh. An invalidation moves it to the past. */
  readonly freshUntil: number;
  /** How long past `freshUntil` a stale value may be served. */
  readonly grace: number;
  /** Changes with every write of a value. `''` while there is none. */
  readonly generation: string;
  /** Names under which `invalidateTags` and `deleteTags` find the entry. */
  readonly tags: readonly string[];
  /** Refreshes that failed since the value was written. */
  readonly failure?: Failure | undefined;
  /** The same entry for one more reader, in stores that decode a value for each. Undefined where readers may share it. */
  readonly again?: (() => Entry) | undefined;
}

/** Consecutive failed refreshes of one key. Stored with the entry, so that all processes back off together. */
export interface Failure {
  /** How many refreshes failed in a row. */
  readonly count: number;
  /** Of the latest failure: its first 4,096 characters. */
  readonly message: string;
  /** When the latest one failed. */
  readonly at: number;
  /** No process attempts a refresh before this instant. */
  readonly retryAt: number;
}

/** The latest instant that a `Date` can have. */
const LATEST = 8.64e15;
/** A message is read again with every stale read, so only its beginning is kept. */
const LONGEST_MESSAGE = 4_096;

/** Whether stored instants are ones that a reader can compute with: a number alone may be NaN, or no `Date`. */
export function areInstants(...instants: readonly number[]): boolean {
  return instants.every((instant) => Math.abs(instant) <= LATEST);
}

/** The beginning of an error's message, as it is stored and logged. */
export function shortMessage(message: string): string {
  if (message.length <= LONGEST_MESSAGE) return message;
  return `${message.slice(0, LONGEST_MESSAGE)}… (${String(message.length)} characters)`;
}

/** A value on its way into a store. The store adds the time. */
export interface Fill {
  /** A value, or a failure to remember in its place. */
  readonly kind: 'value' | 'error';
  /** Portable: see `toPortable`. */
  readonly value: unknown;
  /** See `Entry.copyOnRead`. */
  readonly copyOnRead: boolean;
  /** See `Entry.inheritedAge`. */
  readonly inheritedAge?: number | undefined;
  /** Milliseconds. */
  readonly ttl: number;
  /** Milliseconds. */
  readonly grace: number;
  /** See `Entry.tags`. */
  readonly tags: readonly string[];
}

/**
 * How old the data is, in milliseconds. Never negative, although two processes' views of one store's clock may differ
 * by the time of a round trip.
 */
export function ageOf({ storedAt, inheritedAge = 0 }: Entry, now: number): number {
  return Math.max(0, now - storedAt) + inheritedAge;
}

/** The generation that a reader saw; `''` when it saw nothing. */
export function generationOf(entry: Entry | undefined): string {
  return entry === undefined ? '' : entry.generation;
}

/** The last instant at which the entry may be served. */
export function servableUntil(entry: Entry): number {
  return entry.freshUntil + entry.grace;
}
