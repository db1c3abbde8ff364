import type { KeyNames } from './key-names.js';
import type { RedisLink } from './redis-link.js';
import { isOfNewerFormat, type RawEntry } from './stored-format.js';

/** Handles entries that cannot be read. For their readers they are misses. */
export class UnreadableEntries {
  readonly #discarding = new Set<string>();
  #newerFormatTold = false;

  constructor(
    private readonly link: RedisLink,
    private readonly names: KeyNames,
    private readonly onCorrupt: (key: string, error: unknown) => void,
  ) {}

  /** Reports the entry once for all who read it at the same time, and removes it in the background. */
  met(key: string, error: unknown, raw: RawEntry = []): void {
    if (isOfNewerFormat(raw)) this.#leave(key, error);
    else this.#discard(key, error, raw[0] ?? '');
  }

  /**
   * Leaves an entry of a newer release, since newer processes can read it. Only the first is reported: during a deploy
   * every key may have one.
   */
  #leave(key: string, error: unknown): void {
    if (this.#newerFormatTold) return;
    this.#newerFormatTold = true;
    this.onCorrupt(key, error);
  }

  #discard(key: string, error: unknown, header: string | Buffer): void {
    if (this.#discarding.has(key)) return;
    this.#discarding.add(key);
    this.onCorrupt(key, error);
    this.link
      .run('discard', key, this.names.entry(key), header)
      .catch(() => undefined)
      .finally(() => this.#discarding.delete(key));
  }
}
