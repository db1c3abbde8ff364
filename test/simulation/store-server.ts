import type { Entry, Fill } from '../../lib/core/entry.js';
import { servableUntil } from '../../lib/core/entry.js';
import type {
  Acquisition,
  Claim,
  CommitResult,
  Invalidation,
  Lease,
  LeaseEnding,
  ReleaseResult,
  Store,
} from '../../lib/core/ports.js';
import type { MemoryStore } from '../../lib/memory/memory-store.js';
import type { SimProcess } from './process.js';
import type { World } from './world.js';

/** A lease as it should be, whatever the store makes of it. */
export interface KnownLease {
  readonly key: string;
  readonly token: string;
  readonly by: SimProcess;
  readonly takenOver: boolean;
  /** The generation that its holder saw. */
  readonly generation: string | undefined;
  /** What the key had: a value to serve, one that needs no refresh, or one that must not be refreshed yet. */
  readonly servable: boolean;
  readonly fresh: boolean;
  readonly backingOff: boolean;
  expiresAt: number;
  revoked: boolean;
  readonly revokedTags: Set<string>;
  readonly removedTags: Set<string>;
  /** Committed, released, or revoked. */
  over: boolean;
  /** Something has happened to the key that its holder did not do. */
  taken: boolean;
  /** Its fetch began for a request. */
  background: boolean;
  /** Its fetch failed. */
  failed: boolean;
  /** Whether others must wait for the backoff after its failure. */
  readonly keepsFailure: boolean;
}

/**
 * The shared store: the memory store as the reference, and beside it a ledger of leases that is independent of how the
 * store works.
 */
export class StoreServer {
  #memory: MemoryStore;
  /** The last lease of each key. */
  readonly #leases = new Map<string, KnownLease>();
  /** Keys that a caller has refreshed. */
  readonly #takenOver = new Set<string>();
  readonly #byToken = new Map<string, KnownLease>();
  /** How often a key was written or removed, failures excluded. */
  readonly #writes = new Map<string, number>();

  /** Consecutive failures, and until when no process may try again. */
  readonly #backoffs = new Map<string, { failures: number; until: number }>();
  /** Since when an entry is stale because a caller invalidated it, which also requested a refresh. */
  readonly #invalidated = new Map<string, number>();

  constructor(private readonly world: World) {
    this.#memory = this.#empty();
  }

  /** The store as one process sees it, without delay. */
  sessionOf(by: SimProcess): Store {
    return {
      capabilities: { shared: !this.world.settings.embedded, fence: 'cluster' },
      now: () => this.world.scheduler.now,
      read: (key) => this.peek(key),
      readMany: (keys) => keys.map((key) => this.peek(key)),
      acquire: (key, claim) => this.#acquire(by, key, claim),
      renew: (lease, ms) => this.#renew(by, lease, ms),
      commit: (lease, fill) => this.#commit(by, lease, fill),
      release: (lease, ending, tags) => this.#release(by, lease, ending, tags),
      set: (key, fill) => this.#set(by, key, fill),
      invalidate: (key) => this.#invalidate(by, key),
      delete: (key) => this.#delete(by, key),
      invalidateTags: (tags) => this.#invalidateTags(by, tags),
      deleteTags: (tags) => this.#deleteTags(by, tags),
      invalidateAll: (prefix) => this.#invalidateAll(by, prefix),
      deleteAll: (prefix) => this.#deleteAll(by, prefix),
      clear: () => this.#clear(by),
      close: () => undefined,
    };
  }

  peek(key: string): Entry | undefined {
    const entry = this.#memory.read(key);
    if (entry === undefined) return undefined;
    const { kind, value, copyOnRead, storedAt, freshUntil, grace, generation, tags, failure } = entry;
    return { kind, value, copyOnRead, storedAt, freshUntil, grace, generation, tags, failure };
  }

  /** A value that may be served now. */
  servable(key: string): Entry | undefined {
    const entry = this.peek(key);
    return entry?.kind === 'value' && this.world.scheduler.now <= servableUntil(entry) ? entry : undefined;
  }

  writesOf(key: string): number {
    return this.#writes.get(key) ?? 0;
  }

  /** An invalidated key that has not changed since. After a refresh by a caller the next reader may have to request. */
  notRefreshed(): string | undefined {
    for (const [key, since] of this.#invalidated) {
      const entry = this.servable(key);
      const birth = entry === undefined ? undefined : this.world.history.birthOf(entry.value);
      if (birth !== undefined && birth.order < since && !this.#takenOver.has(key)) return key;
    }
    return undefined;
  }

  /** Whether a fetch failed so recently that no process may try again. */
  mustWait(key: string): boolean {
    return this.world.scheduler.now < (this.#backoffs.get(key)?.until ?? 0);
  }

  leaseOf(token: string): KnownLease | undefined {
    return this.#byToken.get(token);
  }

  isLive(lease: KnownLease): boolean {
    return !lease.over && lease.expiresAt > this.world.scheduler.now;
  }

  /** The store returns empty. */
  wipe(): void {
    this.world.note(() => 'the store is wiped');
    this.#memory = this.#empty();
    for (const key of this.world.settings.keys.map((name) => this.world.keyOf(name))) {
      this.#takeAway(key);
      this.#wrote(key);
    }
    for (const process of this.world.processes) process.feed?.everythingChanged();
  }

  /** Keys on which a process still holds a lease. */
  heldKeys(): string[] {
    return [...this.#leases.values()].filter((lease) => this.isLive(lease)).map(({ key }) => key);
  }

  #empty(): MemoryStore {
    const { scheduler } = this.world;
    const clock = { now: () => scheduler.now, schedule: () => () => undefined, defer: () => undefined };
    return new this.world.core.MemoryStore({ clock });
  }

  #acquire(by: SimProcess, key: string, claim: Claim): Acquisition {
    const { now } = this.world.scheduler;
    const entry = this.peek(key);
    const servable = entry !== undefined && entry.kind === 'value' && now <= servableUntil(entry);
    const backingOff = entry?.failure !== undefined && now < entry.failure.retryAt;
    const fresh = entry !== undefined && entry.kind !== 'vacant' && now <= entry.freshUntil;
    by.followUps.delete(key);
    const acquired = this.#memory.acquire(key, claim);
    this.world.note(
      () => `${by.name} acquires ${this.#shown(key)}: ${acquired.kind}${claim.takeOver ? ' (takes over)' : ''}`,
    );
    if (acquired.kind === 'changed') by.sawChange(key);
    if (acquired.kind !== 'granted') return acquired;
    if (claim.takeOver) this.#takenOver.add(key);
    const former = this.#leases.get(key);
    if (former !== undefined && this.isLive(former)) {
      if (!claim.takeOver) this.world.violate('I1', `${by.name} and ${former.by.name} both have the lease of ${key}`);
      this.#takeAway(key);
    }
    const lease: KnownLease = {
      key,
      token: acquired.lease.token,
      by,
      takenOver: claim.takeOver,
      generation: claim.generation,
      servable,
      fresh: fresh && !this.#ageing(entry, now),
      backingOff,
      expiresAt: now + claim.lease,
      revoked: false,
      revokedTags: new Set(),
      removedTags: new Set(),
      over: false,
      taken: false,
      background: false,
      failed: false,
      keepsFailure: claim.respectBackoff || claim.takeOver,
    };
    this.#leases.set(key, lease);
    this.#byToken.set(lease.token, lease);
    const previous = servable ? entry : undefined;
    return { ...acquired, previous: () => previous };
  }

  #ageing(entry: Entry, now: number): boolean {
    const { refreshAhead } = this.world.settings.options;
    if (refreshAhead === undefined || entry.kind === 'error') return false;
    return now > entry.storedAt + (entry.freshUntil - entry.storedAt) * refreshAhead;
  }

  #renew(by: SimProcess, lease: Lease, ms: number): boolean {
    const known = this.#known(lease);
    const renewed = this.#memory.renew(lease, ms);
    this.world.note(() => `${by.name} renews ${lease.key}: ${String(renewed)}`);
    if (renewed && known === undefined)
      this.world.violate('I1', `${by.name} renewed a lease of ${lease.key} that was over`);
    if (renewed && known !== undefined) known.expiresAt = this.world.scheduler.now + ms;
    return renewed;
  }

  #commit(by: SimProcess, lease: Lease, fill: Fill): CommitResult {
    const { key } = lease;
    const known = this.#known(lease);
    const result = this.#memory.commit(lease, fill);
    this.world.note(() => `${by.name} commits ${key} = ${String(fill.value)}: ${result}`);
    const isRevoked = known !== undefined && (known.revoked || fill.tags.some((tag) => known.revokedTags.has(tag)));
    if (result === 'stale') {
      const isRemoved = known === undefined || fill.tags.some((tag) => known.removedTags.has(tag));
      if (!isRevoked || isRemoved) this.world.violate('I2', `${by.name} moved ${key} on without reason`);
      if ((this.peek(key)?.freshUntil ?? 0) >= this.world.scheduler.now) {
        this.world.violate('I2', `${by.name} wrote ${key} as fresh although that was revoked`);
      }
      this.#wrote(key);
      this.world.tell(key);
    }
    if (result === 'stored') {
      if (known === undefined) this.world.violate('I2', `${by.name} wrote ${key} after its lease`);
      else if (isRevoked) {
        this.world.violate('I2', `${by.name} wrote ${key} although that was revoked`);
      }
      this.#wrote(key);
      this.world.tell(key);
    }
    if (result === 'revoked' && known?.background === true) by.followUps.set(key, known.generation);
    if (known !== undefined) known.over = true;
    return result;
  }

  #release(by: SimProcess, lease: Lease, ending: LeaseEnding, tags?: readonly string[]): ReleaseResult {
    const known = this.#known(lease);
    const before = this.peek(lease.key);
    const result = this.#memory.release(lease, ending, tags);
    this.world.note(() => `${by.name} releases ${this.#shown(lease.key)}: ${ending.kind}`);
    if (known === undefined) {
      if (this.peek(lease.key)?.failure?.at !== before?.failure?.at) {
        this.world.violate('I2', `${by.name} wrote a failure of ${lease.key} after its lease`);
      }
      return result;
    }
    known.over = true;
    if (known.failed && known.keepsFailure) this.#failed(lease.key);
    if (ending.kind === 'gone') this.#wrote(lease.key);
    if (ending.kind !== 'unfilled') this.world.tell(lease.key);
    return result;
  }

  #set(by: SimProcess, key: string, fill: Fill): void {
    const { history, scheduler } = this.world;
    this.#memory.set(key, fill);
    this.world.note(() => `${by.name} sets ${key} = ${String(fill.value)}`);
    this.#takeAway(key);
    history.changed(key, by);
    history.took(fill.value, scheduler.now);
    this.#wrote(key);
    this.world.tell(key);
  }

  #invalidate(by: SimProcess, key: string): Invalidation {
    const invalidated = this.#memory.invalidate(key);
    const { found, held } = invalidated;
    this.world.note(() => `${by.name} invalidates ${key}: ${found ? 'found' : 'nothing'}${held ? ', held' : ''}`);
    this.#revoke(key);
    const order = this.world.history.changed(key, by);
    if (found) this.#invalidated.set(key, order);
    if (found) this.world.tell(key);
    return invalidated;
  }

  #delete(by: SimProcess, key: string): boolean {
    const found = this.#memory.delete(key);
    this.world.note(() => `${by.name} deletes ${key}: ${String(found)}`);
    this.#takeAway(key);
    this.world.history.changed(key, by);
    this.#wrote(key);
    this.world.tell(key);
    return found;
  }

  #invalidateTags(by: SimProcess, tags: readonly string[]): void {
    const tagged = this.#keysWith(tags);
    this.#memory.invalidateTags(tags);
    this.world.note(() => `${by.name} invalidates the tags ${tags.join()}: ${tagged.entries.join()}`);
    for (const key of tagged.entries) this.#revoke(key);
    this.#revokeTags(tags);
    this.#changed(tagged, by);
  }

  #deleteTags(by: SimProcess, tags: readonly string[]): void {
    const tagged = this.#keysWith(tags);
    this.#memory.deleteTags(tags);
    this.world.note(() => `${by.name} deletes the tags ${tags.join()}: ${tagged.entries.join()}`);
    for (const key of tagged.entries) {
      this.#takeAway(key);
      this.#wrote(key);
    }
    this.#revokeTags(tags, true);
    this.#changed(tagged, by);
  }

  #invalidateAll(by: SimProcess, prefix: string): void {
    this.#memory.invalidateAll(prefix);
    this.world.note(() => `${by.name} invalidates all of ${prefix}`);
    for (const key of this.#keysUnder(prefix)) {
      this.#revoke(key);
      this.world.history.changed(key, by);
      this.world.tell(key);
    }
  }

  #deleteAll(by: SimProcess, prefix: string): void {
    this.#memory.deleteAll(prefix);
    this.world.note(() => `${by.name} deletes all of ${prefix}`);
    this.#tookAway(by, this.#keysUnder(prefix));
  }

  #clear(by: SimProcess): void {
    this.#memory.clear();
    this.world.note(() => `${by.name} clears`);
    this.#tookAway(by, this.#keysUnder(''));
  }

  #keysUnder(prefix: string): string[] {
    return this.world.settings.keys.map((name) => this.world.keyOf(name)).filter((key) => key.startsWith(prefix));
  }

  #tookAway(by: SimProcess, keys: readonly string[]): void {
    for (const key of keys) {
      this.#takeAway(key);
      this.world.history.changed(key, by);
      this.#wrote(key);
      this.world.tell(key);
    }
  }

  /** Keys that the tags concern: all of them, and those whose entry has one now. */
  #keysWith(tags: readonly string[]): { all: string[]; entries: string[] } {
    const all: string[] = [];
    const entries: string[] = [];
    for (const name of this.world.settings.keys) {
      if (!tags.includes('all') && !tags.includes(`only ${name}`)) continue;
      const key = this.world.keyOf(name);
      all.push(key);
      if (this.peek(key)?.tags.some((tag) => tags.includes(tag)) === true) entries.push(key);
    }
    return { all, entries };
  }

  #changed({ all, entries }: { all: string[]; entries: string[] }, by: SimProcess): void {
    for (const key of all) {
      this.world.history.changed(key, by);
      if (entries.includes(key)) this.world.tell(key);
    }
  }

  #known(lease: Lease): KnownLease | undefined {
    const known = this.#leases.get(lease.key);
    return known?.token === lease.token && this.isLive(known) ? known : undefined;
  }

  #takeAway(key: string): void {
    const lease = this.#leases.get(key);
    if (lease === undefined) return;
    lease.over = true;
    lease.taken = true;
  }

  #revoke(key: string): void {
    const lease = this.#leases.get(key);
    if (lease !== undefined && this.isLive(lease)) lease.revoked = true;
  }

  #revokeTags(tags: readonly string[], isRemoval = false): void {
    for (const lease of this.#leases.values()) {
      if (!this.isLive(lease)) continue;
      for (const tag of tags) {
        lease.revokedTags.add(tag);
        if (isRemoval) lease.removedTags.add(tag);
      }
    }
  }

  /** A process that probes the store uses a key of its own. */
  #shown(key: string): string {
    return key.startsWith('J:') ? key : 'a key of its own';
  }

  #failed(key: string): void {
    const failures = (this.#backoffs.get(key)?.failures ?? 0) + 1;
    const until = this.world.scheduler.now + this.world.policy.backoff(failures);
    this.#backoffs.set(key, { failures, until });
  }

  #wrote(key: string): void {
    this.#backoffs.delete(key);
    this.#writes.set(key, this.writesOf(key) + 1);
  }
}
