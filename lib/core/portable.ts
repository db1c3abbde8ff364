import { types } from 'node:util';
import { bytesOf, detach, rebuildView, viewKind } from './binary.js';
import { UnserializableValueError } from './errors.js';
import { classNameOf, hasToJson, isPlainObject, memberPath, Obstacle, whyOpaque } from './opaque.js';
import { blankError, errorKind, errorMembers, giveMembers, isError } from './portable-error.js';

const DEEPEST = 1_000;

/** A value that is the same from memory and from any store. */
export interface Portable {
  readonly value: unknown;
  /** Everything in it is frozen: readers may share it. Otherwise each of them needs a `copyPortable` of it. */
  readonly shareable: boolean;
  /** Classes whose instances became plain objects, each once. */
  readonly classNames: readonly string[];
}

const ORDINARY = { writable: true, enumerable: true, configurable: true } as const;
const NO_NAMES: readonly string[] = Object.freeze([]);

/**
 * A deep copy that owns nothing of the caller's. Class instances become plain objects of their own enumerable fields,
 * or what their toJSON() gives. Symbol-keyed members are left out, as in JSON; a key named `__proto__` stays an
 * ordinary member.
 */
export function toPortable(job: string, value: unknown): Portable {
  if (isPrimitive(value)) return { value, shareable: true, classNames: NO_NAMES };
  const copier = new Copier();
  try {
    const copy = copier.copy(value);
    if (copier.shareable) copier.freeze();
    return { value: copy, shareable: copier.shareable, classNames: [...copier.classNames] };
  } catch (thrown) {
    const { path, reason, cause } = Obstacle.within(thrown, '$');
    throw new UnserializableValueError(job, shorten(path), reason, cause);
  }
}

/** A deep copy of what is portable already. */
export function copyPortable<T>(value: T): T {
  return isPrimitive(value) ? value : (new Copier().copy(value) as T);
}

/** Freezes a portable value deeply when that makes it shareable, and says whether it did. */
export function freezePortable(value: unknown): boolean {
  const found = new Set<object>();
  const visit = (child: unknown): boolean => {
    if (typeof child !== 'object' || child === null) return true;
    found.add(child);
    return Array.isArray(child) || isPlainObject(child);
  };
  if (!visit(value)) return false;
  for (const object of found) {
    for (const child of Array.isArray(object) ? object : Object.values(object)) if (!visit(child)) return false;
  }
  found.forEach(Object.freeze);
  return true;
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');
}

class Copier {
  readonly classNames = new Set<string>();
  shareable = true;
  /** By original, so that shared and circular references stay what they are. */
  readonly #copies = new Map<object, unknown>();
  #depth = 0;

  copy(value: unknown): unknown {
    if (typeof value === 'object') return value === null ? null : this.#copyObject(value);
    if (typeof value === 'function' || typeof value === 'symbol') throw new Obstacle(`is a ${typeof value}`);
    return value;
  }

  freeze(): void {
    for (const copy of this.#copies.values()) Object.freeze(copy);
  }

  #copyObject(value: object): unknown {
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    if (this.#depth === DEEPEST) throw new Obstacle(`is nested deeper than ${DEEPEST} levels`);
    this.#depth++;
    let copy: unknown;
    if (Array.isArray(value)) copy = this.#copyArray(value);
    else if (isPlainObject(value) && !hasToJson(value)) copy = this.#copyFields(value);
    else copy = this.#copyBuiltIn(value) ?? this.#copyInstance(value);
    this.#depth--;
    return copy;
  }

  #copyArray(array: readonly unknown[]): unknown[] {
    const copy: unknown[] = [];
    this.#copies.set(array, copy);
    if (Object.getPrototypeOf(array) !== Array.prototype) this.#note(array, 'Array');
    let index = 0;
    try {
      for (; index < array.length; index++) copy.push(this.copy(array[index]));
    } catch (thrown) {
      throw Obstacle.within(thrown, `[${index}]`);
    }
    return copy;
  }

  #copyFields(object: object): object {
    const fields = object as Readonly<Record<string, unknown>>;
    const copy: Record<string, unknown> = {};
    this.#copies.set(object, copy);
    let current = '';
    try {
      for (const name of Object.keys(fields)) {
        current = name;
        const value = this.copy(fields[name]);
        if (name === '__proto__') Object.defineProperty(copy, name, { value, ...ORDINARY });
        else copy[name] = value;
      }
    } catch (thrown) {
      throw Obstacle.within(thrown, memberPath(current));
    }
    return copy;
  }

  #copyInstance(value: object): unknown {
    const reason = whyOpaque(value);
    if (reason !== undefined) throw new Obstacle(reason);
    this.#note(value, 'Object');
    if (!hasToJson(value)) return this.#copyFields(value);
    try {
      const copy = this.copy(value.toJSON());
      this.#copies.set(value, copy);
      return copy;
    } catch (thrown) {
      throw Obstacle.within(thrown, '.toJSON()');
    }
  }

  #copyBuiltIn(value: object): unknown {
    const leaf = copyLeaf(value);
    if (leaf !== undefined) {
      this.#note(value, leaf.kind);
      return this.#keep(value, leaf.value);
    }
    if (types.isMap(value)) return this.#copyMap(value);
    if (types.isSet(value)) return this.#copySet(value);
    if (isError(value)) return this.#copyError(value);
    if (types.isBoxedPrimitive(value)) return this.copy(value.valueOf());
    return undefined;
  }

  #copyMap(map: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> {
    this.#note(map, 'Map');
    const copy = this.#keep(map, new Map<unknown, unknown>());
    this.#eachEntry(map, ([key, value]) => copy.set(this.copy(key), this.copy(value)));
    return copy;
  }

  #copySet(set: ReadonlySet<unknown>): Set<unknown> {
    this.#note(set, 'Set');
    const copy = this.#keep(set, new Set<unknown>());
    this.#eachEntry(set, (member) => copy.add(this.copy(member)));
    return copy;
  }

  #eachEntry<T>(entries: Iterable<T>, copyEntry: (entry: T) => void): void {
    let index = 0;
    try {
      for (const entry of entries) {
        copyEntry(entry);
        index++;
      }
    } catch (thrown) {
      throw Obstacle.within(thrown, `.entries()[${index}]`);
    }
  }

  #copyError(error: Error): Error {
    const kind = errorKind(error);
    this.#note(error, kind);
    const copy = this.#keep(error, blankError(kind, error.message) as Error);
    const members = errorMembers(error).map((member) => {
      try {
        return { ...member, value: this.copy(member.value) };
      } catch (thrown) {
        throw Obstacle.within(thrown, memberPath(member.name));
      }
    });
    giveMembers(copy, members);
    return copy;
  }

  /** What cannot be frozen is kept apart from what readers may share. */
  #keep<T>(original: object, copy: T): T {
    this.shareable = false;
    this.#copies.set(original, copy);
    return copy;
  }

  #note(value: object, kind: string): void {
    const name = classNameOf(value);
    if (name !== kind) this.classNames.add(name === '' ? '(anonymous class)' : name);
  }
}

/** Built-ins that hold no other value. */
function copyLeaf(value: object): { kind: string; value: object } | undefined {
  if (types.isDate(value)) return { kind: 'Date', value: new Date(value.getTime()) };
  if (ArrayBuffer.isView(value)) {
    const kind = viewKind(value);
    const copy = rebuildView(kind, detach(bytesOf(value)));
    return copy && { kind, value: copy };
  }
  if (types.isArrayBuffer(value)) return { kind: 'ArrayBuffer', value: value.slice(0) };
  if (types.isRegExp(value)) return { kind: 'RegExp', value: new RegExp(value.source, value.flags) };
  if (value instanceof URL) return { kind: 'URL', value: new URL(value.href) };
  if (value instanceof URLSearchParams) return { kind: 'URLSearchParams', value: new URLSearchParams(value) };
  return undefined;
}

function shorten(path: string): string {
  return path.length <= 200 ? path : `${path.slice(0, 120)}…${path.slice(-60)}`;
}
