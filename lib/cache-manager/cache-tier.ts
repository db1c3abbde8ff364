import { StoreError } from '../core/errors.js';
import type { Tier, TierItem } from './tier.js';

/** The least that a cache can be: any object with these three methods. */
export interface CacheLike {
  get(name: string): Promise<unknown>;
  set(name: string, value: string, ttl: number): Promise<unknown>;
  del(name: string): Promise<unknown>;
}

/** A cache whose stores cannot be reached, so that its word must be taken: what it keeps silent about remains unknown. */
export class CacheTier implements Tier {
  readonly local = false;

  constructor(private readonly cache: CacheLike) {}

  async readMany(names: readonly string[]): Promise<readonly unknown[]> {
    return attempt('read', () =>
      Promise.all(names.map(async (name) => (await this.cache.get(name)) ?? undefined)),
    );
  }

  async writeMany(items: readonly TierItem[]): Promise<void> {
    await attempt('write', () => Promise.all(items.map(async ({ name, text, ttl }) => this.cache.set(name, text, ttl))));
  }

  async removeMany(names: readonly string[]): Promise<void> {
    await attempt('remove', () => Promise.all(names.map(async (name) => this.cache.del(name))));
  }

  sweep(): void {
    // It does not tell its keys.
  }

  async close(): Promise<void> {
    // It is the application's.
  }
}

async function attempt<T>(operation: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw new StoreError(operation, { cause });
  }
}
