import { LONGEST } from '../core/duration.js';
import { CorruptEntryError } from '../core/errors.js';

/**
 * Says that a key, a tag or everything was invalidated. An entry remembers the stamps that it was written under: a
 * later one is about it, whoever wrote it and however late the entry itself arrived in the store.
 */
export interface Stamp {
  /** About the time in milliseconds, and always later than the stamp before it. */
  readonly at: number;
  /** The latest one that removes what it is about, where the others only make it stale. */
  readonly gone: number;
  /** The first of several in a row, `at` being the last: what was stale already does not become so anew. */
  readonly since: number;
}

export const UNSTAMPED: Stamp = { at: 0, gone: 0, since: 0 };

/** How long a tag's stamp is kept. What has tags is kept no longer than that, so that a stamp outlives what it is about. */
export const TAG_LIFE = 60 * 86_400_000;

/** How long a key's stamp is kept at least: longer than any fetch that may still be under way somewhere. */
export const KEY_LIFE = 3_600_000;

/** Longer than the longest ttl and grace. */
export const CLEARED_LIFE = 3 * LONGEST;

const WRITTEN = /^stamp\/1 (\d+(?:\.\d+)?) (\d+(?:\.\d+)?) (\d+(?:\.\d+)?)$/;

/** Of what is to be removed. */
export function goneStamp(previous: Stamp, now: number): Stamp {
  const at = Math.max(now, previous.at + 1);
  return { at, gone: at, since: at };
}

/** Of what is to be stale. `again`: it is so by the previous stamp already. */
export function staleStamp(previous: Stamp, now: number, again = false): Stamp {
  const at = Math.max(now, previous.at + 1);
  return { at, gone: previous.gone, since: again ? previous.since : at };
}

export function writeStamp({ at, gone, since }: Stamp): string {
  return `stamp/1 ${String(at)} ${String(gone)} ${String(since)}`;
}

export function readStamp(written: unknown): Stamp {
  const found = typeof written === 'string' ? WRITTEN.exec(written) : null;
  if (found === null) throw new CorruptEntryError('it is no stamp of this version');
  return { at: Number(found[1]), gone: Number(found[2]), since: Number(found[3]) };
}
