import type { Entry } from '../entry.js';
import { StoreSuspendedError } from '../errors.js';

/**
 * Lets the readers of one key in one step of the process share one read: for a herd, deadline, decoding and promise of each
 * cost more than the request, which they share anyway. A reader in a later step may know of a change that the earlier read
 * did not see, so it reads anew.
 */
export class JoinedReads {
  #joined = new Map<string, Promise<Entry | undefined>>();

  constructor(private readonly load: (key: string) => Promise<Entry | undefined>) {}

  read(key: string): Promise<Entry | undefined> {
    const joined = this.#joined.get(key);
    if (joined !== undefined) return joined.then(again, refuse);
    if (this.#joined.size === 0) {
      queueMicrotask(() => {
        this.#joined = new Map();
      });
    }
    const reading = this.load(key);
    this.#joined.set(key, reading);
    return reading;
  }
}

/** The entry for one more reader: the first one may change its value as soon as it has it. */
function again(entry: Entry | undefined): Entry | undefined {
  return entry?.again?.() ?? entry;
}

/** The failure is reported for the reader that sent the read, and not once more for each that joined it. */
function refuse(): never {
  throw new StoreSuspendedError('read');
}
