import { areInstants, type Failure, shortMessage } from '../core/entry.js';
import { CorruptEntryError } from '../core/errors.js';

/**
 * The failures of a key. An item of its own, because adding a failure to the entry would rewrite an entry that may be
 * outdated by then.
 */
export interface FailureItem extends Failure {
  /** The generation of the entry that could not be refreshed. */
  readonly of: string;
  /** The stamps under which it was written: of `clear`, and of its key. */
  readonly known: readonly [cleared: number, key: number];
  readonly keepUntil: number;
}

const FORMAT = 'failure/1 ';

export function writeFailureItem(item: FailureItem): string {
  const { count, message, at, retryAt, of, known, keepUntil } = item;
  return `${FORMAT}${JSON.stringify([count, message, at, retryAt, of, known[0], known[1], keepUntil])}`;
}

export function readFailureItem(written: unknown): FailureItem {
  const fields: unknown =
    typeof written === 'string' && written.startsWith(FORMAT) ? parse(written.slice(FORMAT.length)) : [];
  const [count, message, at, retryAt, of, cleared, key, keepUntil] = Array.isArray(fields) ? (fields as unknown[]) : [];
  if (
    typeof count !== 'number' ||
    typeof message !== 'string' ||
    typeof at !== 'number' ||
    typeof retryAt !== 'number' ||
    typeof of !== 'string' ||
    typeof cleared !== 'number' ||
    typeof key !== 'number' ||
    typeof keepUntil !== 'number' ||
    !areInstants(count, at, retryAt, keepUntil)
  ) {
    throw new CorruptEntryError('it is not a failure of this version');
  }
  return { count, message: shortMessage(message), at, retryAt, of, known: [cleared, key], keepUntil };
}

function parse(fields: string): unknown {
  try {
    return JSON.parse(fields);
  } catch (cause) {
    throw new CorruptEntryError('it is not a failure of this version', { cause });
  }
}
