import type { Lease } from '../core/ports.js';

/** How many invalidated tags are remembered with a lease. */
const MOST_REVOKED_TAGS = 1_000;

/** A lease that was granted and has not ended. */
export interface HeldLease {
  readonly token: string;
  /** The number in the token. It becomes the serial number of the entry. */
  readonly serial: number;
  expiresAt: number;
  /** The key was invalidated during the fetch. The lease stays taken, so that at most one fetch of a key runs. */
  revoked: boolean;
  /**
   * Tags invalidated since the grant: only the commit knows which tags the value has. Stored with the lease and not as
   * an instant for each tag, because a millisecond is too coarse to tell before from after, and because they end with
   * the lease this way.
   */
  revokedTags: Map<string, boolean> | undefined;
}

/** The leases of a store in this process, one for each key. */
export class Leases {
  /** In the order in which they were granted or renewed. */
  readonly #held = new Map<string, HeldLease>();
  #serial = 0;

  /** @param instance tells the tokens of one store from those of others. */
  constructor(private readonly instance: string) {}

  /** A number that nothing else of this store has: no lease, and no value. */
  nextSerial(): number {
    return ++this.#serial;
  }

  grant(key: string, ms: number, now: number): HeldLease {
    this.#forgetExpired(now);
    const serial = this.nextSerial();
    const token = `${this.instance}${serial.toString(36)}`;
    const held = { token, serial, expiresAt: now + ms, revoked: false, revokedTags: undefined };
    this.#held.delete(key);
    this.#held.set(key, held);
    return held;
  }

  /** The lease of a key, whoever holds it. */
  of(key: string, now: number): HeldLease | undefined {
    const held = this.#held.get(key);
    return held !== undefined && held.expiresAt > now ? held : undefined;
  }

  /** The lease of a holder, unless it has expired or ended, or is another holder's by now. */
  heldBy(lease: Lease, now: number): HeldLease | undefined {
    const held = this.of(lease.key, now);
    return held?.token === lease.token ? held : undefined;
  }

  renew(lease: Lease, ms: number, now: number): boolean {
    const held = this.heldBy(lease, now);
    if (held === undefined) return false;
    held.expiresAt = now + ms;
    this.#held.delete(lease.key);
    this.#held.set(lease.key, held);
    return true;
  }

  end(key: string): void {
    this.#held.delete(key);
  }

  /** Ends the leases of all keys that begin with a prefix. */
  endAll(prefix: string): void {
    for (const key of this.#held.keys()) if (key.startsWith(prefix)) this.#held.delete(key);
  }

  /** What is fetched for keys that begin with a prefix was invalidated meanwhile. */
  revokeAll(prefix: string): void {
    for (const [key, held] of this.#held) if (key.startsWith(prefix)) held.revoked = true;
  }

  /** What is fetched and will have one of the tags was invalidated meanwhile, or removed. */
  revokeTags(tags: readonly string[], isRemoval: boolean): void {
    if (tags.length === 0) return;
    for (const [key, held] of this.#held) {
      held.revokedTags ??= new Map();
      if (held.revokedTags.size + tags.length > MOST_REVOKED_TAGS) {
        // From here on every tag counts as invalidated, or as removed.
        held.revoked = true;
        if (isRemoval) this.#held.delete(key);
        continue;
      }
      for (const tag of tags) held.revokedTags.set(tag, isRemoval || held.revokedTags.get(tag) === true);
    }
  }

  clear(): void {
    this.#held.clear();
  }

  /** Removes expired leases: those whose holders never ended them would accumulate. */
  #forgetExpired(now: number): void {
    for (const [key, held] of this.#held) {
      if (held.expiresAt > now) return;
      this.#held.delete(key);
    }
  }
}

/** Whether a value with these tags was invalidated since the lease was granted. */
export function isRevokedFor(held: HeldLease, tags: readonly string[]): boolean {
  return held.revoked || tags.some((tag) => held.revokedTags?.has(tag) === true);
}

/** Whether a tag of a value was removed since the lease was granted. */
export function isRemovedFor(held: HeldLease, tags: readonly string[]): boolean {
  return tags.some((tag) => held.revokedTags?.get(tag) === true);
}
