import type { KeyNames } from './key-names.js';
import type { RedisLink } from './redis-link.js';
import { isOfNewerFormat, type RawEntry } from './stored-format.js';

/** What to do about entries that cannot be read; to their readers they are misses. */
export class UnreadableEntries {
  readonly #discarding = new Set<string>();
  #newerFormatTold = false;

  constructor(
    private readonly link: RedisLink,
    private readonly names: KeyNames,
    private readonly onCorrupt: (key: string, error: unknown) => void,
  ) {}

  /** Tells of it once for all who read it at the same time, and removes it in the background. */
  met(key: string, error: unknown, raw: RawEntry = []): void {
    if (isOfNewerFormat(raw)) this.#leave(key, error);
    else this.#discard(key, error, raw[0] ?? '');
  }

  /** It is a good value to others. Told once, since every key may be like this for as long as a deploy lasts. */
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
