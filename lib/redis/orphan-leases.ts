import type { KeyNames } from './key-names.js';
import type { RedisLink } from './redis-link.js';

/** How many are remembered; a forgotten one runs out by itself. */
const MOST = 10_000;

/**
 * Leases that may have been granted to nobody: the connection was lost before the answer came, and until they ran out nobody
 * could fill their keys. They are given back when there is a connection again. What the server still reads from the former
 * one it has read by then: the new one has had an answer.
 */
export class OrphanLeases {
  readonly #keys = new Map<string, string>();

  constructor(
    private readonly link: RedisLink,
    private readonly names: KeyNames,
  ) {
    link.client.on('ready', () => {
      this.#giveBack();
    });
  }

  add(key: string, token: string): void {
    if (this.#keys.size < MOST) this.#keys.set(token, key);
  }

  #giveBack(): void {
    for (const [token, key] of this.#keys) {
      const names = [this.names.entry(key), this.names.lease(key)] as const;
      // Of one that was not granted it finds nothing, and one that cannot be given back now will run out.
      this.link.run('release', key, ...names, token, 'unfilled', '', '0').catch(() => undefined);
    }
    this.#keys.clear();
  }
}
