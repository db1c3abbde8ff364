import { type Entry, type Failure, servableUntil } from '../core/entry.js';

/**
 * All of an entry but its value and when it was written. The entries of a job have it in common, and it weighs more than
 * most values, so it is kept once for all of them. Periods count from `storedAt`.
 */
export interface Terms {
  readonly kind: Entry['kind'];
  readonly copyOnRead: boolean;
  readonly ttl: number;
  readonly grace: number;
  /** How long it stays, which may be longer than it may be served: a failure outlives its value. */
  readonly keep: number;
  readonly tags: readonly string[];
  readonly failure: Failure | undefined;
  /** The instant that `sinceEpoch` counts from. */
  readonly epoch: number;
  /** The generation, or, where there is a serial number, what it begins with. */
  readonly generation: string;
}

/** An entry as it is held in memory. Few and small numbers: the engine keeps one above 2^31 as an object of its own. */
export class StoredEntry implements Entry {
  /** Read since the store last looked for something to drop. */
  used = false;

  constructor(
    readonly value: unknown,
    readonly terms: Terms,
    readonly sinceEpoch: number,
    readonly serial: number,
  ) {}

  get kind(): Entry['kind'] {
    return this.terms.kind;
  }

  get copyOnRead(): boolean {
    return this.terms.copyOnRead;
  }

  get storedAt(): number {
    return this.terms.epoch + this.sinceEpoch;
  }

  get freshUntil(): number {
    return this.storedAt + this.terms.ttl;
  }

  get grace(): number {
    return this.terms.grace;
  }

  get tags(): readonly string[] {
    return this.terms.tags;
  }

  get failure(): Failure | undefined {
    return this.terms.failure;
  }

  get generation(): string {
    const { generation } = this.terms;
    return this.serial === 0 ? generation : `${generation}${this.serial.toString(36)}`;
  }

  get keepUntil(): number {
    return this.storedAt + this.terms.keep;
  }

  /** The same value, written at the same time, under other terms. */
  under(terms: Partial<Terms>): StoredEntry {
    return new StoredEntry(this.value, { ...this.terms, ...terms }, this.sinceEpoch, this.serial);
  }
}

/** An entry as another store holds it. */
export function entryLike(entry: Entry, copyOnRead = entry.copyOnRead): StoredEntry {
  const { kind, value, storedAt: epoch, freshUntil, grace, tags, failure, generation } = entry;
  const ttl = freshUntil - epoch;
  const keep = Math.max(ttl + grace, (failure?.retryAt ?? epoch) - epoch);
  return new StoredEntry(value, { kind, copyOnRead, ttl, grace, keep, tags, failure, epoch, generation }, 0, 0);
}

/** What holds the failures of a key without a value. */
export function vacant(now: number): StoredEntry {
  const base = { kind: 'vacant', value: undefined, copyOnRead: false, tags: [] } as const;
  return entryLike({ ...base, storedAt: now, freshUntil: now, grace: 0, generation: '' });
}

/** Entries are not removed when their time is over, but they count as absent. */
export function kept(entry: StoredEntry | undefined, now: number): StoredEntry | undefined {
  return entry !== undefined && now <= entry.keepUntil ? entry : undefined;
}

export function isServable(entry: StoredEntry | undefined, now: number): entry is StoredEntry {
  return entry !== undefined && entry.kind !== 'vacant' && now <= servableUntil(entry);
}

/**
 * Whether the entry is still what a reader saw. Also one that may no longer be served has its generation, since
 * nobody replaced it; to a reader who counted it as nothing it is nothing.
 */
export function isGeneration(entry: StoredEntry | undefined, generation: string, now: number): boolean {
  return generation === (entry?.generation ?? '') || (generation === '' && !isServable(entry, now));
}
