import { areInstants } from '../core/entry.js';
import { CorruptEntryError } from '../core/errors.js';

/**
 * The item stored for a key: the value, and everything known when it was written. It is only replaced and never
 * changed, because a store of cache-manager has no atomic change.
 */
export interface EntryItem {
  readonly kind: 'value' | 'error';
  readonly storedAt: number;
  readonly freshUntil: number;
  readonly grace: number;
  readonly generation: string;
  readonly tags: readonly string[];
  /** The stamps under which it was written: of `clear`, of its key, and of each of its tags. */
  readonly known: readonly number[];
  /** The stamp of its job under which it was written. Undefined in items of releases that did not stamp jobs. */
  readonly job: number | undefined;
  readonly inheritedAge: number;
  /** The bytes of the value in base64: it survives every serialisation, and nothing shorter survives JSON. */
  readonly body: string;
}

const FORMAT = 'entry/1 ';

export function writeEntryItem(item: EntryItem): string {
  const { kind, storedAt, freshUntil, grace, generation, tags, known, job, inheritedAge, body } = item;
  const header = [kind, storedAt, freshUntil, grace, generation, tags, known];
  // An older release reads the first seven fields and ignores what follows.
  if (job !== undefined) header.push(job, ...(inheritedAge === 0 ? [] : [inheritedAge]));
  return `${FORMAT}${JSON.stringify(header)}\n${body}`;
}

export function readEntryItem(written: unknown): EntryItem {
  if (typeof written !== 'string' || !written.startsWith(FORMAT)) {
    throw new CorruptEntryError('it is not an entry of this version', {
      cause: written instanceof Error ? written : undefined,
    });
  }
  const end = written.indexOf('\n');
  if (end < 0) throw new CorruptEntryError('it is cut off');
  const header = parse(written.slice(FORMAT.length, end));
  const [kind, storedAt, freshUntil, grace, generation, tags, known, job, inheritedAge = 0] = header;
  if (
    (kind !== 'value' && kind !== 'error') ||
    typeof storedAt !== 'number' ||
    typeof freshUntil !== 'number' ||
    typeof grace !== 'number' ||
    typeof generation !== 'string' ||
    !isListOf(tags, 'string') ||
    !isListOf(known, 'number') ||
    known.length !== tags.length + 2 ||
    (job !== undefined && typeof job !== 'number') ||
    typeof inheritedAge !== 'number' ||
    !areInstants(storedAt, freshUntil, grace, freshUntil + grace, inheritedAge)
  ) {
    throw new CorruptEntryError('its header is damaged');
  }
  const body = written.slice(end + 1);
  return { kind, storedAt, freshUntil, grace, generation, tags, known, job, inheritedAge, body };
}

/** Until when the entry may be served if nothing invalidates it. */
export function keptUntil(item: EntryItem): number {
  return item.freshUntil + item.grace;
}

function parse(header: string): readonly unknown[] {
  try {
    const fields: unknown = JSON.parse(header);
    return Array.isArray(fields) ? fields : [];
  } catch (cause) {
    throw new CorruptEntryError('its header is damaged', { cause });
  }
}

function isListOf(list: unknown, type: 'string'): list is readonly string[];
function isListOf(list: unknown, type: 'number'): list is readonly number[];
function isListOf(list: unknown, type: string): boolean {
  return Array.isArray(list) && list.every((each) => typeof each === type);
}
