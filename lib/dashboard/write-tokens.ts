import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ProcessReporter } from '../nest/process-reporter.js';

/** Milliseconds. A page that stays open for longer asks for a new token. */
const LIFETIME = 12 * 60 * 60 * 1_000;
const SECRET_NAME = 'dashboard-secret';

/**
 * The tokens that pages get and that writes must bring. Any process can check one of another: they agree on a secret in
 * the store that they share. While that is away each uses its own, and no write could succeed anyway.
 */
export class WriteTokens {
  readonly #own = randomBytes(32).toString('base64url');

  constructor(
    private readonly reporter: ProcessReporter,
    private readonly now: () => number = () => Date.now(),
  ) {}

  async issue(): Promise<string> {
    const until = String(this.now() + LIFETIME);
    return `${until}.${sign(await this.#secret(), until)}`;
  }

  async accepts(token: unknown): Promise<boolean> {
    if (typeof token !== 'string') return false;
    const [until = '', signature = ''] = token.split('.');
    const expected = Buffer.from(sign(await this.#secret(), until));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected) && Number(until) > this.now();
  }

  async #secret(): Promise<string> {
    try {
      return await this.reporter.agree(SECRET_NAME, this.#own, 2 * LIFETIME);
    } catch {
      return this.#own;
    }
  }
}

function sign(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url');
}
