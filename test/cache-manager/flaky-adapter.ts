import { EventEmitter } from 'node:events';

import type { KeyvStoreAdapter } from 'keyv';

/**
 * A Map as a store for Keyv that can go down. It then throws, or does what @keyv/redis does: emits an error and returns
 * nothing.
 */
export class FlakyAdapter extends EventEmitter implements KeyvStoreAdapter {
  opts = {};
  down = false;
  /** The ttl of each write. */
  readonly ttls: unknown[] = [];
  readonly map = new Map<string, unknown>();
  declare getMany?: NonNullable<KeyvStoreAdapter['getMany']>;
  declare setMany?: NonNullable<KeyvStoreAdapter['setMany']>;
  declare deleteMany?: NonNullable<KeyvStoreAdapter['deleteMany']>;

  constructor(private readonly how: { readonly many?: boolean; readonly quiet?: boolean }) {
    super();
    if (how.many !== true) return;
    this.getMany = async (keys) =>
      this.#try(
        keys.map(() => undefined),
        () => keys.map((key) => this.map.get(key)),
      ) as never;
    this.setMany = async (rows) =>
      this.#try(undefined, () => rows.forEach(({ key, value, ttl }) => this.#put(key, value, ttl)));
    this.deleteMany = async (keys) => this.#try(false, () => keys.map((key) => this.map.delete(key)).some(Boolean));
  }

  async get(key: string): Promise<never> {
    return this.#try(undefined, () => this.map.get(key)) as never;
  }

  async set(key: string, value: unknown, ttl?: number): Promise<unknown> {
    return this.#try(undefined, () => this.#put(key, value, ttl));
  }

  async delete(key: string): Promise<boolean> {
    return this.#try(false, () => this.map.delete(key));
  }

  async clear(): Promise<void> {
    this.map.clear();
  }

  #put(key: string, value: unknown, ttl: unknown): void {
    this.ttls.push(ttl);
    this.map.set(key, value);
  }

  #try<T>(nothing: T, run: () => T): T {
    if (!this.down) return run();
    const error = new Error('down');
    if (this.how.quiet !== true) throw error;
    this.emit('error', error);
    return nothing;
  }
}
