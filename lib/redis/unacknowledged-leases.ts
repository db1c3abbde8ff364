import type { KeyNames } from './key-names.js';
import type { RedisLink } from './redis-link.js';

/** How many leases are remembered. One that is dropped expires by itself. */
const MOST = 10_000;

/**
 * Leases whose grant was lost with the connection. Until they expire nobody could fill their keys, so they are released
 * on the next connection. By then the server has read everything that the former connection had sent, because the new
 * one has had an answer.
 */
export class UnacknowledgedLeases {
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
      // If the lease was never granted, the script finds nothing. If the release fails, the lease expires by itself.
      this.link.run('release', key, ...names, token, 'unfilled', '', '0').catch(() => undefined);
    }
    this.#keys.clear();
  }
}
