import { StoreError } from '../core/errors.js';
import type { KeyPage } from '../core/ports.js';
import type { KeyNames } from './key-names.js';
import type { RedisLink } from './redis-link.js';

/** Names that one SCAN looks at. Redis serves nobody else meanwhile, for about half a millisecond. */
const STEP = 1_000;
/** Steps of one page. A search in a large database goes on with the next page. */
const MOST_STEPS = 10;

/** The keys of entries, page by page, over the servers that hold them. */
export class KeyScan {
  constructor(
    private readonly link: RedisLink,
    private readonly names: KeyNames,
  ) {}

  /** The cursor is `server.cursor`, where `server` is a place in the list of the masters. */
  async page(prefix: string, cursor: string, atLeast: number): Promise<KeyPage> {
    try {
      await this.link.ready();
      return await this.#page(prefix, cursor, atLeast);
    } catch (cause) {
      throw new StoreError('browse', { cause });
    }
  }

  async #page(prefix: string, from: string, atLeast: number): Promise<KeyPage> {
    const masters = this.link.masters();
    const pattern = this.names.pattern('entry', prefix);
    const [server = '0', within = '0'] = from === '' ? [] : from.split('.');
    let place = Number(server);
    let cursor = within;
    // SCAN may return a name twice.
    const keys = new Set<string>();
    let steps = 0;
    while (steps < MOST_STEPS && keys.size < atLeast) {
      const master = masters[place];
      if (master === undefined) return { keys: [...keys], cursor: '', looked: steps * STEP };
      const [next, found] = await master.scan(cursor, 'MATCH', pattern, 'COUNT', STEP);
      steps++;
      for (const name of found) keys.add(this.names.keyOf(name));
      cursor = next;
      if (next === '0') place++;
    }
    const isEnd = masters[place] === undefined;
    return { keys: [...keys], cursor: isEnd ? '' : `${String(place)}.${cursor}`, looked: steps * STEP };
  }
}
