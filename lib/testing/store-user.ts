import { decide, type Decision } from '../core/decide.js';
import type { Entry, Fill } from '../core/entry.js';
import type { Acquisition, Claim, CommitResult, Lease, Store } from '../core/ports.js';
import type { StoreUnderTest } from './store-under-test.js';

type Granted = Extract<Acquisition, { kind: 'granted' }>;

/** Milliseconds, longer than any test: for what must not expire in it. */
export const LONG = 600_000;

/** Milliseconds, short enough to wait for and long enough for a few round trips. */
export const SHORT = 40;

/** Uses a store as the paths above it do, in as few words as a test needs. */
export class StoreUser {
  constructor(private readonly tested: StoreUnderTest) {}

  get store(): Store {
    return this.tested.store;
  }

  advance(ms: number): Promise<void> {
    return this.tested.advance(ms);
  }

  fill(value: unknown, but: Partial<Fill> = {}): Fill {
    return { kind: 'value', value, copyOnRead: false, ttl: LONG, grace: LONG, tags: [], ...but };
  }

  async acquire(key: string, but: Partial<Claim> = {}): Promise<Acquisition> {
    return this.store.acquire(key, { lease: LONG, respectBackoff: true, takeOver: false, ...but });
  }

  async grant(key: string, but: Partial<Claim> = {}): Promise<Granted> {
    const acquired = await this.acquire(key, but);
    if (acquired.kind !== 'granted') throw new Error(`The lease of ${key} was not granted: ${acquired.kind}`);
    return acquired;
  }

  async lease(key: string, but: Partial<Claim> = {}): Promise<Lease> {
    return (await this.grant(key, but)).lease;
  }

  async commit(lease: Lease, value: unknown, but: Partial<Fill> = {}): Promise<CommitResult> {
    return this.store.commit(lease, this.fill(value, but));
  }

  async set(key: string, value: unknown, but: Partial<Fill> = {}): Promise<void> {
    await this.store.set(key, this.fill(value, but));
  }

  /** A fetch that is committed without incident. */
  async fetched(key: string, value: unknown, but: Partial<Fill> = {}): Promise<void> {
    const result = await this.commit(await this.lease(key), value, but);
    if (result !== 'stored') throw new Error(`The value of ${key} was not stored: ${result}`);
  }

  async failed(key: string, retryIn = LONG): Promise<void> {
    const lease = await this.lease(key, { respectBackoff: false });
    await this.store.release(lease, { kind: 'failed', message: 'origin is down', retryIn });
  }

  async entry(key: string): Promise<Entry> {
    const entry = await this.store.read(key);
    if (entry === undefined) throw new Error(`There is no entry ${key}`);
    return entry;
  }

  /** The entry as a plain object, because a store may return one of a class of its own. */
  async facts(key: string): Promise<Entry> {
    return factsOf(await this.entry(key));
  }

  /** What a reader would do. */
  async decision(key: string): Promise<Decision> {
    const entry = await this.store.read(key);
    return decide(entry, { refreshAhead: 1, fetchOnStaleThreshold: Infinity }, this.store.now());
  }

  /** What a reader would get, fresh or stale. */
  async served(key: string): Promise<unknown> {
    const entry = await this.store.read(key);
    const decision = decide(entry, { refreshAhead: 1, fetchOnStaleThreshold: Infinity }, this.store.now());
    return decision === 'miss' ? undefined : entry?.value;
  }
}

export function factsOf(entry: Entry): Entry {
  const { kind, value, copyOnRead, storedAt, inheritedAge = 0, freshUntil, grace, generation, tags, failure } = entry;
  return { kind, value, copyOnRead, storedAt, inheritedAge, freshUntil, grace, generation, tags, failure };
}
