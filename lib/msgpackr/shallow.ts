import { DEEPEST } from '../core/value/deepest.js';

/** A level takes at least two bytes, its brackets, so a shorter text cannot be too deep. */
const SHORTEST = 2 * DEEPEST;

/**
 * Returns parsed JSON. Throws a `TypeError` for JSON that is nested deeper than a value may be: each read of it would fail later, where
 * it is copied. A walk through the result is several times faster than one through the text.
 */
export function shallow(value: unknown, bytes: number): unknown {
  if (bytes > SHORTEST) walk(value, DEEPEST);
  return value;
}

function walk(value: unknown, levels: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (levels === 0) throw tooDeep();
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const member: unknown = value[index];
      if (typeof member === 'object') walk(member, levels - 1);
    }
    return;
  }
  for (const name in value) {
    const member = (value as Readonly<Record<string, unknown>>)[name];
    if (typeof member === 'object') walk(member, levels - 1);
  }
}

export function tooDeep(): TypeError {
  return new TypeError(`It is nested deeper than ${DEEPEST} levels`);
}
