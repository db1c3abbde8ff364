import type { KeyNames } from './key-names.js';
import type { RedisLink } from './redis-link.js';

/** How many leases are remembered. One that is dropped expires by itself. */
const MOST = 10_000;

/**
 * Leases that nobody uses and that the server may still hold, because their grant or their end was lost with the
 * connection. Until they expire nobody could fill their keys, so they are released on the next connection. By then the
 * server has read everything that the former connection had sent, because the new one has had an answer. A release needs
 * the token, so it never ends the lease of another holder, and finds nothing where the end had arrived.
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

  /** The server has acknowledged the end of the lease. */
  delete(token: string): void {
    this.#keys.delete(token);
  }

  #giveBack(): void {
    const leases = [...this.#keys];
    this.#keys.clear();
    for (const [token, key] of leases) {
      const names = [this.names.entry(key), this.names.lease(key)] as const;
      this.link.run('release', key, ...names, token, 'unfilled', '', '0').catch(() => {
        // The connection is gone again.
        this.add(key, token);
      });
    }
  }
}
