import { bytesOfPlaces } from '../core/value/blank-object.js';
import { MetObjects } from '../core/value/met-objects.js';

/** Bytes that the engine takes for each, measured on 64-bit builds. */
const WORD = 8;
const STRING = 16;
const OBJECT = 3 * WORD;
const DATE = 12 * WORD;
const COLLECTION = 4 * WORD;
/** For each entry of a Map, or of a Set: their tables are between half full and full. */
const MAP_SLOT = 5 * WORD;
const SET_SLOT = 4 * WORD;
const BUFFER = 200;
/** A number that is no small integer has an object of its own. */
const BOXED_NUMBER = 2 * WORD;
const LARGEST_SMALL_INTEGER = 2 ** 31;

/** An entry with its time and its place in the Map. What it shares with other entries of its job is not counted. */
const ENTRY = 20 * WORD;

/** How many bytes of memory an entry takes, its key included. */
export function estimatedBytesOfEntry(key: string, value: unknown): number {
  return ENTRY + bytesOfText(key) + estimatedBytes(value);
}

/**
 * How many bytes of memory a portable value takes, within about 30 % for rows, texts, bytes and collections of them.
 * Walks through the value once, at about a tenth of the cost of copying it. What occurs several times counts once.
 */
export function estimatedBytes(value: unknown): number {
  return WORD + bytesOf(value, new MetObjects());
}

type Met = MetObjects<true>;

function bytesOf(value: unknown, met: Met): number {
  if (typeof value === 'string') return bytesOfText(value);
  if (typeof value === 'number') return isSmallInteger(value) ? 0 : BOXED_NUMBER;
  if (typeof value === 'bigint') return 2 * WORD + WORD * Math.ceil(value.toString(16).length / 16);
  if (typeof value !== 'object' || value === null || met.of(value) === true) return 0;
  met.set(value, true);
  return bytesOfObject(value, met);
}

function isSmallInteger(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < LARGEST_SMALL_INTEGER;
}

function bytesOfObject(value: object, met: Met): number {
  if (Array.isArray(value)) {
    let bytes = 4 * WORD + WORD * (2 + value.length);
    for (const element of value as readonly unknown[]) bytes += bytesOf(element, met);
    return bytes;
  }
  if (value instanceof Map) {
    let bytes = COLLECTION + MAP_SLOT * value.size;
    for (const [key, element] of value) bytes += bytesOf(key, met) + bytesOf(element, met);
    return bytes;
  }
  if (value instanceof Set) {
    let bytes = COLLECTION + SET_SLOT * value.size;
    for (const element of value) bytes += bytesOf(element, met);
    return bytes;
  }
  if (ArrayBuffer.isView(value)) return BUFFER + value.byteLength;
  if (value instanceof ArrayBuffer) return BUFFER + value.byteLength;
  const own = value instanceof Date ? DATE : OBJECT;
  return own + bytesOfMembers(value, met);
}

function bytesOfMembers(value: object, met: Met): number {
  const isPlain = Object.getPrototypeOf(value) === Object.prototype;
  // Errors have members that are not enumerable. No accessor is run: plain values have none, and others may.
  const names = isPlain ? Object.keys(value) : Reflect.ownKeys(value);
  let bytes = 0;
  for (const name of names) {
    bytes += bytesOf(isPlain ? (value as Record<PropertyKey, unknown>)[name] : dataOf(value, name), met);
  }
  return bytes + bytesOfPlaces(names.length);
}

function dataOf(value: object, name: PropertyKey): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

/** A text with any character beyond Latin-1 takes two bytes for each. */
function bytesOfText(text: string): number {
  const width = /[^\u0000-\u00ff]/.test(text) ? 2 : 1;
  return STRING + WORD * Math.ceil((width * text.length) / WORD);
}
