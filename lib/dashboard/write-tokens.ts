import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ProcessReporter } from '../nest/process-reporter.js';

/** Milliseconds after which there is another secret. A page that has a token of the former one asks for a new one. */
const LIFETIME = 24 * 60 * 60 * 1_000;
const SECRET_NAME = 'dashboard-secret';

/**
 * The tokens that pages get and that writes must bring. Any process can check one of another: they agree on a secret in
 * the store that they share. While that is away each uses its own, and no write could succeed anyway.
 *
 * A token holds no time. The secret ends by the clock of the store's server, so the clocks of the hosts may be wrong.
 */
export class WriteTokens {
  readonly #own = randomBytes(32).toString('base64url');

  constructor(private readonly reporter: ProcessReporter) {}

  async issue(): Promise<string> {
    const nonce = randomBytes(9).toString('base64url');
    return `${nonce}.${sign(await this.#secret(), nonce)}`;
  }

  async accepts(token: unknown): Promise<boolean> {
    if (typeof token !== 'string') return false;
    const [nonce = '', signature = ''] = token.split('.');
    const expected = Buffer.from(sign(await this.#secret(), nonce));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  async #secret(): Promise<string> {
    try {
      return await this.reporter.agree(SECRET_NAME, this.#own, LIFETIME);
    } catch {
      return this.#own;
    }
  }
}

function sign(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url');
}
