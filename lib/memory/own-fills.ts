import type { Entry } from '../core/entry.js';

/**
 * Entries that this process filled itself. It will be told of them like of any other change, and then takes its copies
 * anew before a reader has to.
 */
export class OwnFills {
  /** Those of which it has not been told yet. */
  readonly #untold = new Set<string>();
  /** Loads that no reader asked for. */
  readonly #loading = new Map<string, Promise<Entry | undefined>>();

  constructor(private readonly read: (key: string) => Promise<Entry | undefined>) {}

  add(key: string): void {
    this.#untold.add(key);
  }

  has(key: string): boolean {
    return this.#untold.has(key);
  }

  /** So that no reader pays for it. */
  load(key: string): void {
    const load = this.read(key);
    this.#loading.set(key, load);
    void load.finally(() => {
      if (this.#loading.get(key) === load) this.#loading.delete(key);
    });
  }

  /** The entry on its way, as good as a copy: what changed since it was asked for has been told, and it would be forgotten. */
  loading(key: string): Promise<Entry | undefined> | undefined {
    return this.#loading.get(key);
  }

  forget(key: string): void {
    this.#untold.delete(key);
    this.#loading.delete(key);
  }

  clear(): void {
    this.#untold.clear();
    this.#loading.clear();
  }
}
