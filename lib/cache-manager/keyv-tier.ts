import { StoreError } from '../core/errors.js';
import type { KeyvLike } from './keyv-like.js';
import type { Tier, TierItem } from './tier.js';

/** How long a store may take to disconnect before it is cut off: one that was never up would take for ever. */
const DISCONNECT_TIMEOUT = 1_000;

/** What is used of a store behind a Keyv. */
interface Adapter {
  getMany?: unknown;
  setMany?: unknown;
  on?: (event: string, listener: (error: unknown) => void) => unknown;
  off?: (event: string, listener: (error: unknown) => void) => unknown;
  disconnect?: (force: boolean) => unknown;
}

/**
 * A `Keyv`, asked directly and not through cache-manager: that would turn a failing read into a miss, and with
 * `nonBlocking` a failing write into an unhandled rejection.
 */
export class KeyvTier implements Tier {
  readonly local: boolean;
  /** Keyv and its adapters swallow most errors, but tell of them in events. */
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
    // A Keyv that asks one by one hides the failures of the single answers.
    if (typeof this.#adapter.getMany !== 'function') return Promise.all(names.map((name) => this.#readOne(name)));
    try {
      return await this.#readAtOnce(names);
    } catch (error) {
      // One row that cannot be read spoils the answer for all.
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
      // An adapter that fails quietly answers nothing, so that its Keyv answers that all went well.
      () => true,
      (answered) => answered === false || (Array.isArray(answered) && answered.includes(false)),
    );
  }

  async removeMany(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await this.#watch('remove', () => this.keyv.deleteMany(names.map((name) => this.#own(name))), () => true);
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
    // Not before: what is under way must learn that it failed.
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
      // A store that is not there any more is as good as disconnected.
    } finally {
      clearTimeout(cut);
    }
  }

  /** Ends the client of @keyv/redis without its server's consent; to others the argument means nothing. */
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

  /** Rejects when `run` does, when its answer is a refusal, and when it may be a silent failure and there was an error. */
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

  /** A Keyv takes a name that begins with its namespace for one that has it already, but only in some of its methods. */
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

/** What cannot be deserialised is not the store's failure. */
function isUnreadable(error: unknown): boolean {
  return error instanceof SyntaxError;
}

function unreadable(error: unknown): unknown {
  if (isUnreadable(error)) return error;
  throw error;
}

/** A row that no Keyv wrote is handed on as it is: whoever reads it finds that it is foreign. */
function contentOf(row: unknown): unknown {
  if (typeof row !== 'object' || row === null || !('value' in row) || row.value === undefined) return row ?? undefined;
  return row.value;
}
