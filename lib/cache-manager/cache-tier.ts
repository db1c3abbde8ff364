import { StoreError } from '../core/errors.js';
import type { Tier, TierItem } from './tier.js';

/** The smallest cache that is accepted: any object with these three methods. */
export interface CacheLike {
  /** Undefined or null: there is no such item. */
  get(name: string): Promise<unknown>;
  /** `ttl` in milliseconds. */
  set(name: string, value: string, ttl: number): Promise<unknown>;
  /** Removes an item, if there is one. */
  del(name: string): Promise<unknown>;
}

/** A cache that does not expose its stores. Errors that the cache swallows cannot be detected here. */
export class CacheTier implements Tier {
  readonly local = false;

  constructor(private readonly cache: CacheLike) {}

  async readMany(names: readonly string[]): Promise<readonly unknown[]> {
    return attempt('read', () => Promise.all(names.map(async (name) => (await this.cache.get(name)) ?? undefined)));
  }

  async writeMany(items: readonly TierItem[]): Promise<void> {
    await attempt('write', () =>
      Promise.all(items.map(async ({ name, text, ttl }) => this.cache.set(name, text, ttl))),
    );
  }

  async removeMany(names: readonly string[]): Promise<void> {
    await attempt('remove', () => Promise.all(names.map(async (name) => this.cache.del(name))));
  }

  sweep(): void {
    // Does nothing, because such a cache cannot list its keys.
  }

  async close(): Promise<void> {
    // Does nothing, because the cache belongs to the application.
  }
}

async function attempt<T>(operation: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw new StoreError(operation, { cause });
  }
}
