import type { Entry } from '../core/entry.js';

/**
 * Entries that this process has filled itself. Redis reports their changes like any others, and the process then takes
 * its copies anew before a reader has to.
 */
export class OwnCommits {
  /** Keys whose change has not been reported yet. */
  readonly #untold = new Set<string>();
  /** Loads that no reader has asked for. */
  readonly #loading = new Map<string, Promise<Entry | undefined>>();

  constructor(private readonly read: (key: string) => Promise<Entry | undefined>) {}

  add(key: string): void {
    this.#untold.add(key);
  }

  has(key: string): boolean {
    return this.#untold.has(key);
  }

  /** Loads the entry in the background, so that no reader pays for it. */
  load(key: string): void {
    const load = this.read(key);
    this.#loading.set(key, load);
    void load.finally(() => {
      if (this.#loading.get(key) === load) this.#loading.delete(key);
    });
  }

  /**
   * The entry that is being loaded. It is as good as a copy: a change since the load began would have been reported,
   * and the load dropped.
   */
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
