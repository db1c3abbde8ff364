import type { Noticeboard } from '../core/ports.js';
import type { KeyNames } from './key-names.js';
import type { RedisLink } from './redis-link.js';

/** Milliseconds after which the whole board is removed, once nobody posts any more. */
const LEFT_ALONE = 60_000;

/** Notes in one hash, each with the instant of the server's clock at which it ends. Readers remove those that ended. */
export class RedisNoticeboard implements Noticeboard {
  readonly #board: string;

  constructor(
    private readonly link: RedisLink,
    private readonly names: KeyNames,
  ) {
    this.#board = names.notices('board');
  }

  async post(name: string, text: string, ms: number): Promise<void> {
    await this.link.ready();
    const { client } = this.link;
    const note = `${String(Math.round(this.link.now() + ms))} ${text}`;
    await Promise.all([client.hset(this.#board, name, note), client.pexpire(this.#board, Math.max(ms, LEFT_ALONE))]);
  }

  async read(name: string): Promise<string | undefined> {
    await this.link.ready();
    return this.#text((await this.link.client.hget(this.#board, name)) ?? undefined);
  }

  async readAll(): Promise<ReadonlyMap<string, string>> {
    await this.link.ready();
    const notes = Object.entries(await this.link.client.hgetall(this.#board));
    const texts = new Map<string, string>();
    const ended: string[] = [];
    for (const [name, note] of notes) {
      const text = this.#text(note);
      if (text === undefined) ended.push(name);
      else texts.set(name, text);
    }
    if (ended.length > 0) await this.link.client.hdel(this.#board, ...ended);
    return texts;
  }

  async agree(name: string, proposal: string, ms: number): Promise<string> {
    await this.link.ready();
    const key = this.names.notices(name);
    await this.link.client.set(key, proposal, 'PX', ms, 'NX');
    return (await this.link.client.get(key)) ?? proposal;
  }

  #text(note: string | undefined): string | undefined {
    const space = note?.indexOf(' ') ?? -1;
    if (note === undefined || space < 0 || !(Number(note.slice(0, space)) >= this.link.now())) return undefined;
    return note.slice(space + 1);
  }
}
