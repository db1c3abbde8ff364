import { types } from 'node:util';
import { DEEPEST } from './deepest.js';
import { isPlainObject } from './obstacle.js';
import { makeReadOnly } from './read-only-date.js';
import type { ValueTypes } from './value-types.js';

/**
 * Freezes the parts of a portable value that readers may share, and returns whether that is all of it. A part that
 * stays unfrozen can be changed or leads to something that can: a Map, a Set, bytes, an Error. Each reader needs a copy
 * of it.
 */
export function freezeShareable(value: unknown, valueTypes: ValueTypes): boolean {
  if (typeof value !== 'object' || value === null) return true;
  // Made for the first object inside of the value: most values are one object.
  let inside: Set<object> | undefined;
  const isShareable = (object: object): boolean => {
    if (isChangeable(object, valueTypes)) return false;
    eachMember(object, valueTypes, (member) => (inside ??= new Set()).add(member));
    return true;
  };
  let isAll = isShareable(value);
  for (const object of inside ?? NOTHING) isAll = isShareable(object) && isAll;
  if (!isAll) {
    new PartialFreeze(valueTypes).visit(value);
    return false;
  }
  freeze(value, valueTypes);
  for (const object of inside ?? NOTHING) freeze(object, valueTypes);
  return true;
}

const NOTHING: readonly object[] = [];

/** Freezes the parts of a value that lead to nothing changeable. */
class PartialFreeze {
  /**
   * An object that is still being visited counts as changeable, since a circle with one changeable part is changeable.
   */
  readonly #shareable = new Map<object, boolean>();

  constructor(private readonly valueTypes: ValueTypes) {}

  /** What is too deep to be visited stays unfrozen: references in stored bytes can make a chain of any length. */
  visit(object: object, depth = 0): boolean {
    const known = this.#shareable.get(object);
    if (known !== undefined) return known;
    if (depth > DEEPEST) return false;
    this.#shareable.set(object, false);
    if (isChangeable(object, this.valueTypes)) {
      if (types.isMap(object)) for (const entry of object) entry.forEach((part) => this.#visitPart(part, depth + 1));
      else if (types.isSet(object)) for (const member of object) this.#visitPart(member, depth + 1);
      return false;
    }
    const members: object[] = [];
    eachMember(object, this.valueTypes, (member) => members.push(member));
    const isShareable = members.map((member) => this.visit(member, depth + 1)).every(Boolean);
    if (isShareable) freeze(object, this.valueTypes);
    this.#shareable.set(object, isShareable);
    return isShareable;
  }

  #visitPart(part: unknown, depth: number): void {
    if (typeof part === 'object' && part !== null) this.visit(part, depth);
  }
}

/**
 * True for everything but plain data, Dates, and instances of registered classes that consist of their members or never
 * change.
 */
function isChangeable(object: object, valueTypes: ValueTypes): boolean {
  if (Array.isArray(object) || isPlainObject(object)) return false;
  if (types.isDate(object)) return false;
  if (types.isMap(object) || types.isSet(object) || types.isNativeError(object) || ArrayBuffer.isView(object))
    return true;
  const type = valueTypes.of(object);
  return type === undefined || type.custom?.immutable === false;
}

function eachMember(object: object, valueTypes: ValueTypes, visit: (member: object) => void): void {
  // An instance declared immutable may still fill caches of its own, so it is not frozen.
  if (isImmutable(object, valueTypes)) return;
  const visitPart = (member: unknown): void => {
    if (typeof member === 'object' && member !== null) visit(member);
  };
  if (Array.isArray(object)) object.forEach(visitPart);
  else for (const member of Object.values(object)) visitPart(member);
  for (const symbol of Object.getOwnPropertySymbols(object)) {
    visitPart((object as Readonly<Record<symbol, unknown>>)[symbol]);
  }
}

function freeze(object: object, valueTypes: ValueTypes): void {
  if (types.isDate(object)) makeReadOnly(object);
  else if (!isImmutable(object, valueTypes)) Object.freeze(object);
}

function isImmutable(object: object, valueTypes: ValueTypes): boolean {
  return valueTypes.of(object)?.custom?.immutable === true;
}
