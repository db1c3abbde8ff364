import { type Entry, type Failure, servableUntil } from '../core/entry.js';

/**
 * Everything of an entry except its value and its time. The entries of a job share it, and it is larger than most
 * values, so it is stored once for all of them. Periods count from `storedAt`.
 */
export interface Terms {
  readonly kind: Entry['kind'];
  readonly copyOnRead: boolean;
  readonly ttl: number;
  readonly grace: number;
  /** How long the entry is kept. It may be kept longer than it may be served, because failures outlive their value. */
  readonly keep: number;
  readonly tags: readonly string[];
  readonly inheritedAge: number;
  readonly failure: Failure | undefined;
  /** The instant from which `sinceEpoch` counts. */
  readonly epoch: number;
  /** The generation; with a serial number, the part of it before the number. */
  readonly generation: string;
}

/**
 * An entry as it is held in memory. It has few and small numbers, because the engine allocates an object for each
 * number above 2^31.
 */
export class StoredEntry implements Entry {
  /** Whether it was read since the store last looked for an entry to drop. */
  used = false;
  /** The estimated size in memory; 0 before the entry is kept. */
  bytes = 0;

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

  get inheritedAge(): number {
    return this.terms.inheritedAge;
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

  /** The same value with the same time under other terms. */
  under(terms: Partial<Terms>): StoredEntry {
    const entry = new StoredEntry(this.value, { ...this.terms, ...terms }, this.sinceEpoch, this.serial);
    entry.bytes = this.bytes;
    return entry;
  }
}

/** An entry as another store holds it. */
export function entryLike(entry: Entry, copyOnRead = entry.copyOnRead): StoredEntry {
  const { kind, value, storedAt: epoch, freshUntil, grace, tags, inheritedAge = 0, failure, generation } = entry;
  const ttl = freshUntil - epoch;
  const keep = Math.max(ttl + grace, (failure?.retryAt ?? epoch) - epoch);
  const terms = { kind, copyOnRead, ttl, grace, keep, tags, inheritedAge, failure, epoch, generation };
  return new StoredEntry(value, terms, 0, 0);
}

/** Holds the failures of a key that has no value. */
export function vacant(now: number): StoredEntry {
  const base = { kind: 'vacant', value: undefined, copyOnRead: false, tags: [] } as const;
  return entryLike({ ...base, storedAt: now, freshUntil: now, grace: 0, generation: '' });
}

/** Expired entries are not removed at once, but they count as absent. */
export function kept(entry: StoredEntry | undefined, now: number): StoredEntry | undefined {
  return entry !== undefined && now <= entry.keepUntil ? entry : undefined;
}

export function isServable(entry: StoredEntry | undefined, now: number): entry is StoredEntry {
  return entry !== undefined && entry.kind !== 'vacant' && now <= servableUntil(entry);
}

/**
 * Whether the entry is still the one that a reader saw. An entry that may no longer be served keeps its generation,
 * since nothing replaced it. A reader that counted it as absent passes an empty generation, and that matches as well.
 */
export function isGeneration(entry: StoredEntry | undefined, generation: string, now: number): boolean {
  return generation === (entry?.generation ?? '') || (generation === '' && !isServable(entry, now));
}
