import { UnserializableValueError } from '../errors.js';
import { Copier } from './copier.js';
import { freezeShareable } from './freeze.js';
import { Obstacle } from './obstacle.js';
import type { ValueTypes } from './value-types.js';

/** A value that is equal from memory and from any store. */
export interface Portable {
  readonly value: unknown;
  /** Whether all of it is frozen, so that readers may share it. Otherwise each reader needs a `copyUnshared` of it. */
  readonly shareable: boolean;
  /** Classes whose instances became plain objects, each once. */
  readonly classNames: readonly string[];
}

const NO_NAMES: readonly string[] = Object.freeze([]);

/**
 * A deep copy that owns nothing of the caller's. Instances of the given classes stay instances; others become plain
 * objects of their own enumerable members, or what their toJSON() gives. Members keyed by `Symbol.for` symbols are kept,
 * members keyed by other symbols are refused; a key named `__proto__` stays an ordinary member.
 */
export function toPortable(job: string, value: unknown, valueTypes: ValueTypes): Portable {
  if (isPrimitive(value)) return { value, shareable: true, classNames: NO_NAMES };
  const copier = new Copier({ valueTypes });
  const copy = refusing(job, () => copier.copy(value));
  const classNames = copier.classNames === undefined ? NO_NAMES : [...copier.classNames];
  return { value: copy, shareable: freezeShareable(copy, valueTypes), classNames };
}

/** A portable copy in which instances are plain objects that name their class under `mark`. */
export function toMarked(job: string, value: unknown, valueTypes: ValueTypes, mark: symbol): unknown {
  return isPrimitive(value) ? value : refusing(job, () => new Copier({ valueTypes, mark }).copy(value));
}

/** A deep copy of a portable value. */
export function copyPortable<T>(value: T, valueTypes: ValueTypes): T {
  return isPrimitive(value) ? value : (new Copier({ valueTypes }).copy(value) as T);
}

/** Copies the parts of a portable value that readers cannot share, and shares the others. */
export function copyUnshared<T>(value: T, valueTypes: ValueTypes): T {
  return isPrimitive(value) ? value : (new Copier({ valueTypes, sharesFrozen: true }).copy(value) as T);
}

/** Whether a value is immutable and equal everywhere. */
export function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');
}

function refusing<T>(job: string, copy: () => T): T {
  try {
    return copy();
  } catch (thrown) {
    const { path, reason, cause } = Obstacle.within(thrown, '$');
    throw new UnserializableValueError(job, shorten(path), reason, cause);
  }
}

function shorten(path: string): string {
  return path.length <= 200 ? path : `${path.slice(0, 120)}…${path.slice(-60)}`;
}
