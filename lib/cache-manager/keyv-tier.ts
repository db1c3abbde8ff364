import { StoreError } from '../core/errors.js';
import type { Tier, TierItem } from './tier.js';

/**
 * Milliseconds that a store has to disconnect before it is cut off. A store that was never connected would never
 * finish.
 */
const DISCONNECT_TIMEOUT = 1_000;

/** The methods of a `Keyv` of version 5 or 6 that are used. Structural, because an application may have two copies of keyv. */
export interface KeyvLike {
  readonly namespace?: string | undefined;
  readonly useKeyPrefix?: boolean | undefined;
  readonly store?: unknown;
  readonly opts?: { readonly emitErrors?: boolean | undefined };
  getRaw(name: string): Promise<unknown>;
  getMany(names: string[], options: { raw: true }): Promise<unknown>;
  set(name: string, value: string, ttl: number): Promise<unknown>;
  setMany(items: { key: string; value: string; ttl: number }[]): Promise<unknown>;
  deleteMany(names: string[]): Promise<unknown>;
  on(event: string, listener: (error: unknown) => void): unknown;
  off(event: string, listener: (error: unknown) => void): unknown;
  disconnect(): Promise<void>;
}

const METHODS = ['getRaw', 'getMany', 'set', 'setMany', 'deleteMany', 'on', 'off', 'disconnect'] as const;

export function isKeyvLike(store: unknown): store is KeyvLike {
  if (typeof store !== 'object' || store === null) return false;
  return METHODS.every((method) => typeof Reflect.get(store, method) === 'function');
}

/** The members used of a store behind a Keyv. */
interface Adapter {
  getMany?: unknown;
  setMany?: unknown;
  on?: (event: string, listener: (error: unknown) => void) => unknown;
  off?: (event: string, listener: (error: unknown) => void) => unknown;
  disconnect?: (force: boolean) => unknown;
}

/**
 * A `Keyv`, used directly. Through cache-manager a failing read would be a miss, and with `nonBlocking` a failing write
 * an unhandled rejection.
 */
export class KeyvTier implements Tier {
  readonly local: boolean;
  /** Keyv and its adapters swallow most errors but emit them as events, so errors are counted there. */
  #errors = 0;
  #latest: unknown;
  readonly #listener = (error: unknown): void => {
    this.#errors += 1;
    this.#latest = error;
  };

  constructor(private readonly keyv: KeyvLike) {
    this.local = keyv.store instanceof Map;
    this.#emitter.on?.('error', this.#listener);
  }

  async readMany(names: readonly string[]): Promise<readonly unknown[]> {
    if (names.length === 0) return [];
    // Without `getMany` in the adapter, Keyv reads one by one and hides which reads failed.
    if (typeof this.#adapter.getMany !== 'function') return Promise.all(names.map((name) => this.#readOne(name)));
    try {
      return await this.#readAtOnce(names);
    } catch (error) {
      // One unreadable row makes the whole answer fail, so the rows are read one by one.
      if (!isUnreadable(error)) throw error;
      return Promise.all(names.map((name) => this.#readAtOnce([name]).then(([row]) => row, unreadable)));
    }
  }

  async writeMany(items: readonly TierItem[]): Promise<void> {
    const rows = items.map(({ name, text, ttl }) => ({ key: this.#own(name), value: text, ttl }));
    const [row] = rows;
    if (row === undefined) return;
    await this.#watch(
      'write',
      () => (rows.length === 1 ? this.keyv.set(row.key, row.value, row.ttl) : this.keyv.setMany(rows)),
      // An adapter that swallows an error returns nothing, and its Keyv then reports success.
      () => true,
      (answered) => answered === false || (Array.isArray(answered) && answered.includes(false)),
    );
  }

  async removeMany(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await this.#watch(
      'remove',
      () => this.keyv.deleteMany(names.map((name) => this.#own(name))),
      () => true,
    );
  }

  sweep(prefixes: readonly string[]): void {
    const { store } = this.keyv;
    if (!(store instanceof Map)) return;
    const physical = prefixes.map((prefix) => this.#physical(this.#own(prefix)));
    for (const name of store.keys() as Iterable<unknown>) {
      if (typeof name === 'string' && physical.some((prefix) => name.startsWith(prefix))) store.delete(name);
    }
  }

  async close(disconnect: boolean): Promise<void> {
    if (disconnect) await this.#disconnect();
    // Removed last, because operations that are still running must learn that they failed.
    this.#emitter.off?.('error', this.#listener);
  }

  async #disconnect(): Promise<void> {
    let cut: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      cut = setTimeout(resolve, DISCONNECT_TIMEOUT).unref();
    }).then(() => this.#cutOff());
    try {
      await Promise.race([this.keyv.disconnect(), timeout]);
    } catch {
      // A store that cannot be reached any more counts as disconnected.
    } finally {
      clearTimeout(cut);
    }
  }

  /** Makes the client of @keyv/redis disconnect without waiting for its server. Other stores ignore the argument. */
  async #cutOff(): Promise<void> {
    await this.#adapter.disconnect?.(true);
  }

  async #readAtOnce(names: readonly string[]): Promise<readonly unknown[]> {
    const own = names.map((name) => this.#own(name));
    const isEmpty = (rows: unknown): boolean => !Array.isArray(rows) || rows.every((row) => row === undefined);
    const rows = await this.#watch('read', () => this.keyv.getMany(own, { raw: true }), isEmpty);
    return Array.isArray(rows) ? rows.map(contentOf) : names.map(() => undefined);
  }

  async #readOne(name: string): Promise<unknown> {
    const isEmpty = (row: unknown): boolean => row === undefined;
    return this.#watch('read', () => this.keyv.getRaw(this.#own(name)), isEmpty).then(contentOf, unreadable);
  }

  /**
   * Rejects when `run` rejects, when its answer is a refusal, and when its answer may hide a failure and an error was
   * emitted meanwhile.
   */
  async #watch<T>(
    operation: string,
    run: () => Promise<T>,
    mayBeSilent: (answer: T) => boolean,
    isRefusal: (answer: T) => boolean = () => false,
  ): Promise<T> {
    const errors = this.#errors;
    let answer: T;
    try {
      answer = await run();
    } catch (cause) {
      if (isUnreadable(cause)) throw cause;
      throw new StoreError(operation, { cause });
    }
    if (this.#errors !== errors && mayBeSilent(answer)) throw new StoreError(operation, { cause: this.#latest });
    if (isRefusal(answer)) throw new StoreError(operation);
    return answer;
  }

  /** Some methods of Keyv leave out the namespace for a name that already begins with it, and others do not. */
  #own(name: string): string {
    return this.#physical('') !== '' && name.startsWith(this.#physical('')) ? `_${name}` : name;
  }

  #physical(name: string): string {
    const { namespace, useKeyPrefix } = this.keyv;
    return namespace === undefined || namespace === '' || useKeyPrefix === false ? name : `${namespace}:${name}`;
  }

  get #adapter(): Adapter {
    return this.keyv.store ?? {};
  }

  get #emitter(): Pick<Adapter, 'on' | 'off'> {
    return this.keyv.opts?.emitErrors === false ? this.#adapter : this.keyv;
  }
}

/** A row that cannot be deserialised is not a failure of the store. */
function isUnreadable(error: unknown): boolean {
  return error instanceof SyntaxError;
}

function unreadable(error: unknown): unknown {
  if (isUnreadable(error)) return error;
  throw error;
}

/** A row that Keyv did not write is returned as it is. Parsing it shows that it is foreign. */
function contentOf(row: unknown): unknown {
  if (typeof row !== 'object' || row === null || !('value' in row) || row.value === undefined) return row ?? undefined;
  return row.value;
}
