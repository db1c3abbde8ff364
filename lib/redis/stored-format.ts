import { areInstants, type Entry, type Failure, shortMessage } from '../core/entry.js';
import { CorruptEntryError } from '../core/errors.js';
import type { Codec } from '../core/ports.js';

/** The fields of a stored entry as Redis answers them: header, value, failure, inherited age. See `script-library.ts`. */
export type RawEntry = readonly (Buffer | null | undefined)[];

export const FIELDS = ['h', 'v', 'x', 'a'] as const;

/** The first element is the version. An entry of another version is not understood, and so a miss. */
const HEADER = /^1 (value|error|vacant) ([\d.]+) ([\d.]+) ([\d.]+) (\S+) (\[.*\])$/s;
const VERSION = 1;
const FAILURE = /^(\d+) ([\d.]+) ([\d.]+) (.*)$/s;

const NO_TAGS: readonly string[] = Object.freeze([]);

type Facts = Pick<
  Required<Entry>,
  'kind' | 'storedAt' | 'inheritedAge' | 'freshUntil' | 'grace' | 'generation' | 'tags' | 'failure'
>;

/**
 * An entry whose value is decoded for each reader. A class, because a copy by `{...entry}` costs more than decoding: V8 makes a
 * hidden class for each copy, which only a full collection finds.
 */
class DecodedEntry implements Entry {
  readonly kind: Entry['kind'];
  readonly value: unknown;
  readonly copyOnRead = false;
  readonly storedAt: number;
  readonly inheritedAge: number | undefined;
  readonly freshUntil: number;
  readonly grace: number;
  readonly generation: string;
  readonly tags: readonly string[];
  readonly failure: Failure | undefined;
  readonly #decode: () => unknown;

  constructor(facts: Facts, decode: () => unknown) {
    this.kind = facts.kind;
    this.value = decode();
    this.storedAt = facts.storedAt;
    this.inheritedAge = facts.inheritedAge;
    this.freshUntil = facts.freshUntil;
    this.grace = facts.grace;
    this.generation = facts.generation;
    this.tags = facts.tags;
    this.failure = facts.failure;
    this.#decode = decode;
  }

  again(): Entry {
    return new DecodedEntry(this, this.#decode);
  }
}

/**
 * Throws a {@link CorruptEntryError} for anything that this version did not write. An entry that was stored after `latest`
 * counts as of then.
 */
export function decodeEntry(raw: RawEntry, codec: Codec, key: string, latest = Infinity): Entry | undefined {
  const [header, bytes, failure, inherited] = raw;
  if (!header) {
    if (bytes || failure) throw new CorruptEntryError('it has no header', { key });
    return undefined;
  }
  const [, kind, storedAt, freshUntil, grace, generation, tags] = HEADER.exec(header.toString()) ?? [];
  if (kind === undefined || generation === undefined || tags === undefined) {
    throw new CorruptEntryError(`its header is ${JSON.stringify(header.toString().slice(0, 80))}`, { key });
  }
  const vacant = kind === 'vacant';
  if (!vacant && !bytes) throw new CorruptEntryError('it has no value', { key });
  const failed = decodeFailure(failure);
  if (failure && !failed) throw new CorruptEntryError('its failure cannot be read', { key });
  if (!areInstants(Number(storedAt), Number(freshUntil), Number(grace), Number(freshUntil) + Number(grace))) {
    throw new CorruptEntryError('its times cannot be read', { key });
  }
  // The date shows that it was invalidated, whatever clock is asked.
  const isInvalidated = Number(freshUntil) < Number(storedAt);
  try {
    const facts: Facts = {
      kind: kind as Entry['kind'],
      storedAt: isInvalidated ? Number(storedAt) : Math.min(Number(storedAt), latest),
      inheritedAge: decodeAge(inherited),
      freshUntil: Number(freshUntil),
      grace: Number(grace),
      generation: vacant ? '' : generation,
      tags: tags === '[]' ? NO_TAGS : tagsIn(tags),
      failure: failed,
    };
    return new DecodedEntry(facts, () => (bytes ? codec.decode(bytes) : undefined));
  } catch (cause) {
    if (cause instanceof CorruptEntryError) throw cause;
    throw new CorruptEntryError(cause instanceof Error ? cause.message : String(cause), { key, cause });
  }
}

function tagsIn(json: string): readonly string[] {
  const tags: unknown = JSON.parse(json);
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags;
  throw new CorruptEntryError('its tags cannot be read');
}

function decodeAge(bytes: Buffer | null | undefined): number {
  if (!bytes) return 0;
  const age = Number(bytes.toString());
  if (areInstants(age) && age >= 0) return age;
  throw new CorruptEntryError('its inherited age cannot be read');
}

/** True for an entry of a newer release of this package, which exists during a deploy. */
export function isOfNewerFormat([header]: RawEntry): boolean {
  return Number(/^\d+/.exec(header?.toString() ?? '')?.[0]) > VERSION;
}

export function decodeFailure(bytes: Buffer | null | undefined): Failure | undefined {
  if (!bytes) return undefined;
  const [, count, at, retryAt, message] = FAILURE.exec(bytes.toString()) ?? [];
  if (message === undefined || !areInstants(Number(count), Number(at), Number(retryAt))) return undefined;
  return { count: Number(count), message: shortMessage(message), at: Number(at), retryAt: Number(retryAt) };
}
