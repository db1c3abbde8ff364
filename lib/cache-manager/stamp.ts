import { areInstants } from '../core/entry.js';
import { LONGEST } from '../core/policy/duration.js';
import { CorruptEntryError } from '../core/errors.js';

/**
 * Records that a key, a tag, a job or everything was invalidated. An entry contains the stamps under which it was
 * written. Any later stamp concerns it, whichever process wrote that stamp and however late the entry arrived in the
 * store.
 */
export interface Stamp {
  /** Close to the time in milliseconds, and always later than the previous stamp. */
  readonly at: number;
  /** The latest stamp in this row that removes its entries. The others only make them stale. */
  readonly gone: number;
  /**
   * The first of several consecutive stamps, of which `at` is the last. An entry that is stale already does not become
   * stale again later.
   */
  readonly since: number;
}

export const UNSTAMPED: Stamp = { at: 0, gone: 0, since: 0 };

/**
 * How long a tag's stamp is kept. Entries with tags are kept no longer than this, so that a stamp outlives the entries
 * it concerns.
 */
export const TAG_LIFE = 60 * 86_400_000;

/**
 * How long a key's stamp is kept at least: longer than any fetch of the key that may still be running in some process.
 */
export const KEY_LIFE = 3_600_000;

/** Longer than the longest ttl and grace together. */
export const CLEARED_LIFE = 3 * LONGEST;

const WRITTEN = /^stamp\/1 (\d+(?:\.\d+)?) (\d+(?:\.\d+)?) (\d+(?:\.\d+)?)$/;

/** A stamp that removes the entries it concerns. */
export function goneStamp(previous: Stamp, now: number): Stamp {
  const at = Math.max(now, previous.at + 1);
  return { at, gone: at, since: at };
}

/** A stamp that makes the entries it concerns stale. `again`: the previous stamp has done so already. */
export function staleStamp(previous: Stamp, now: number, again = false): Stamp {
  const at = Math.max(now, previous.at + 1);
  return { at, gone: previous.gone, since: again ? previous.since : at };
}

export function writeStamp({ at, gone, since }: Stamp): string {
  return `stamp/1 ${String(at)} ${String(gone)} ${String(since)}`;
}

export function readStamp(written: unknown): Stamp {
  const found = typeof written === 'string' ? WRITTEN.exec(written) : null;
  if (found === null || !areInstants(Number(found[1]), Number(found[2]), Number(found[3])))
    throw new CorruptEntryError('it is not a stamp of this version');
  return { at: Number(found[1]), gone: Number(found[2]), since: Number(found[3]) };
}
