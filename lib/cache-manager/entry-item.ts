import { CorruptEntryError } from '../core/errors.js';

/**
 * What is stored for a key: the value and all that was known when it was written. It is never changed, only replaced:
 * there is no atomic way to change it.
 */
export interface EntryItem {
  readonly kind: 'value' | 'error';
  readonly storedAt: number;
  readonly freshUntil: number;
  readonly grace: number;
  readonly generation: string;
  readonly tags: readonly string[];
  /** Stamps it was written under: of `clear`, of its key, and of each of its tags. */
  readonly known: readonly number[];
  /** The value's bytes, in base64: the one form that every serialisation brings back, and the smallest there is in JSON. */
  readonly body: string;
}

const FORMAT = 'entry/1 ';

export function writeEntryItem(item: EntryItem): string {
  const { kind, storedAt, freshUntil, grace, generation, tags, known, body } = item;
  return `${FORMAT}${JSON.stringify([kind, storedAt, freshUntil, grace, generation, tags, known])}\n${body}`;
}

export function readEntryItem(written: unknown): EntryItem {
  if (typeof written !== 'string' || !written.startsWith(FORMAT)) {
    throw new CorruptEntryError('it is no entry of this version', { cause: written instanceof Error ? written : undefined });
  }
  const end = written.indexOf('\n');
  if (end < 0) throw new CorruptEntryError('it is cut off');
  const [kind, storedAt, freshUntil, grace, generation, tags, known] = parse(written.slice(FORMAT.length, end));
  if (
    (kind !== 'value' && kind !== 'error') ||
    typeof storedAt !== 'number' ||
    typeof freshUntil !== 'number' ||
    typeof grace !== 'number' ||
    typeof generation !== 'string' ||
    !isListOf(tags, 'string') ||
    !isListOf(known, 'number') ||
    known.length !== tags.length + 2
  ) {
    throw new CorruptEntryError('its header is damaged');
  }
  return { kind, storedAt, freshUntil, grace, generation, tags, known, body: written.slice(end + 1) };
}

/** Until when it may be served, if nothing happens to it. */
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
