import { randomBytes } from 'node:crypto';

import type { Lease } from '../core/ports.js';
import { type Snapshot, standing } from './snapshot.js';

export interface HeldLease {
  readonly token: string;
  readonly before: Snapshot;
  expiresAt: number;
}

/** The leases of this process: which operation may fill which key. */
export class ProcessLeases {
  /** In the order in which they were granted or renewed. */
  readonly #held = new Map<string, HeldLease>();
  readonly #instance = randomBytes(6).toString('base64url');
  #granted = 0;

  grant(key: string, ms: number, now: number, before: Snapshot): Lease {
    this.#forgetExpired(now);
    this.#granted += 1;
    const token = `${this.#instance}.${this.#granted.toString(36)}`;
    this.#held.delete(key);
    this.#held.set(key, { token, before, expiresAt: now + ms });
    return { key, token, grantedAt: now };
  }

  holder(key: string, now: number): HeldLease | undefined {
    const held = this.#held.get(key);
    return held !== undefined && held.expiresAt > now ? held : undefined;
  }

  renew(lease: Lease, ms: number, now: number): boolean {
    const held = this.#heldBy(lease, now);
    if (held === undefined) return false;
    held.expiresAt = now + ms;
    this.#held.delete(lease.key);
    this.#held.set(lease.key, held);
    return true;
  }

  /** Ends a lease and returns it. Undefined when it has expired or belongs to another holder. */
  end(lease: Lease, now: number): HeldLease | undefined {
    const held = this.#heldBy(lease, now);
    if (held !== undefined) this.#held.delete(lease.key);
    return held;
  }

  revoke(key: string): void {
    this.#held.delete(key);
  }

  /** Revokes the leases on keys whose entry had one of the tags when the lease was granted. */
  revokeTagged(tags: readonly string[], now: number): void {
    for (const [key, { before }] of this.#held) {
      if (standing(before, now).item?.tags.some((tag) => tags.includes(tag)) === true) this.#held.delete(key);
    }
  }

  /** Revokes the leases on keys that begin with `prefix`. */
  revokeAll(prefix = ''): void {
    for (const key of this.#held.keys()) if (key.startsWith(prefix)) this.#held.delete(key);
  }

  #heldBy(lease: Lease, now: number): HeldLease | undefined {
    const held = this.holder(lease.key, now);
    return held?.token === lease.token ? held : undefined;
  }

  /** Removes expired leases: those whose holders never ended them would accumulate. */
  #forgetExpired(now: number): void {
    for (const [key, held] of this.#held) {
      if (held.expiresAt > now) return;
      this.#held.delete(key);
    }
  }
}
