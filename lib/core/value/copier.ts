import { types } from 'node:util';
import { bytesOf, detach, rebuildView, viewKind } from './binary.js';
import { blankObject } from './blank-object.js';
import { assertVisibleState, classFactsOf, enumerableSymbols } from './class-facts.js';
import { DEEPEST, MOST_HOLES } from './deepest.js';
import { MetObjects } from './met-objects.js';
import { classNameOf, hasToJson, isPlainObject, memberPath, Obstacle, whyOpaque } from './obstacle.js';
import { blankError, errorKind, errorMembers, giveMembers, isError, isErrorName } from './portable-error.js';
import { asInstance, type CustomForm, deserialize, type ValueType, type ValueTypes } from './value-types.js';

const ORDINARY = { writable: true, enumerable: true, configurable: true } as const;

export interface CopierOptions {
  /** Classes whose instances are copied as instances. */
  readonly valueTypes: ValueTypes;
  /** Frozen parts are shared and not copied. In a portable value nothing frozen leads to anything unfrozen. */
  readonly sharesFrozen?: boolean;
  /** Instances become plain objects that name their class under this symbol. An instance that cannot is refused. */
  readonly mark?: symbol;
}

/** Copies one value deeply and records what happens to its classes. Throws an {@link Obstacle}. */
export class Copier {
  /** Classes whose instances became plain objects; undefined for none. */
  classNames: Set<string> | undefined;
  /** By original, so that shared and circular references are kept. */
  readonly #copies = new MetObjects<unknown>();
  #depth = 0;
  #holes = 0;

  constructor(private readonly options: CopierOptions) {}

  copy(value: unknown): unknown {
    if (typeof value === 'object') return value === null ? null : this.#copyObject(value);
    if (typeof value === 'function' || typeof value === 'symbol') throw new Obstacle(`is a ${typeof value}`);
    return value;
  }

  #copyObject(value: object): unknown {
    const known = this.#copies.of(value);
    if (known !== undefined) return known;
    if (this.options.sharesFrozen === true && Object.isFrozen(value)) return value;
    if (this.#depth === DEEPEST) throw new Obstacle(`is nested deeper than ${DEEPEST} levels`);
    this.#depth++;
    const copy = this.#copyKnown(value);
    this.#depth--;
    return copy;
  }

  #copyKnown(value: object): unknown {
    if (Array.isArray(value) && Object.getPrototypeOf(value) === Array.prototype) return this.#copyArray(value);
    if (isPlainObject(value) && !hasToJson(value)) return this.#copyFields(value);
    const type = this.options.valueTypes.of(value);
    if (type !== undefined) return this.#copyRegistered(value, type);
    if (Array.isArray(value)) return this.#copyArray(value);
    return this.#copyBuiltIn(value) ?? this.#copyInstance(value);
  }

  #copyRegistered(value: object, type: ValueType): unknown {
    const { mark } = this.options;
    if (type.custom !== undefined) return this.#copyCustom(value, type, type.custom);
    if (mark === undefined) {
      const members = Array.isArray(value)
        ? this.#copyArray(value)
        : (this.#copyBuiltIn(value) ?? this.#copyFields(value));
      return asInstance(members, type);
    }
    return Object.defineProperty(this.#copyFields(value), mark, { value: type.name, ...ORDINARY });
  }

  /** An instance that only its own class can read and make. */
  #copyCustom(value: object, type: ValueType, form: CustomForm): unknown {
    const { mark } = this.options;
    if (mark === undefined && form.immutable) return value;
    try {
      const content = this.copy(form.serialize(value));
      const copy = mark === undefined ? deserialize(content, type, form) : { content, [mark]: type.name };
      this.#copies.set(value, copy);
      return copy;
    } catch (thrown) {
      throw Obstacle.within(thrown, '.serialize()');
    }
  }

  /** An instance that consists of its members. */
  #copyMembers(value: object): object {
    assertVisibleState(value);
    return this.#copyFields(value);
  }

  #copyArray(array: readonly unknown[]): unknown[] {
    // An array that grows has room for 17 elements at once. A long one may be mostly empty places.
    const copy = new Array<unknown>(array.length <= MOST_HOLES ? array.length : 0);
    this.#copies.set(array, copy);
    if (Object.getPrototypeOf(array) !== Array.prototype) this.#note(array, 'Array');
    let index = 0;
    try {
      for (; index < array.length; index++) {
        if (index in array) copy[index] = this.copy(array[index]);
        else if (++this.#holes > MOST_HOLES) throw new Obstacle(`is one of more than ${MOST_HOLES} empty places`);
      }
      copy.length = array.length;
    } catch (thrown) {
      throw Obstacle.within(thrown, `[${index}]`);
    }
    return copy;
  }

  #copyFields(object: object): object {
    const fields = object as Readonly<Record<string, unknown>>;
    const names = Object.keys(fields);
    const copy = blankObject(names.length);
    this.#copies.set(object, copy);
    let current = '';
    try {
      for (const name of names) {
        current = name;
        const value = this.copy(fields[name]);
        if (name === '__proto__') Object.defineProperty(copy, name, { value, ...ORDINARY });
        else copy[name] = value;
      }
    } catch (thrown) {
      throw Obstacle.within(thrown, memberPath(current));
    }
    for (const symbol of enumerableSymbols(object)) this.#copySymbolMember(object, copy, symbol);
    return copy;
  }

  #copySymbolMember(object: object, copy: object, symbol: symbol): void {
    try {
      const value = this.copy((object as Readonly<Record<symbol, unknown>>)[symbol]);
      Object.defineProperty(copy, symbol, { value, ...ORDINARY });
    } catch (thrown) {
      throw Obstacle.within(thrown, `[${String(symbol)}]`);
    }
  }

  #copyInstance(value: object): unknown {
    const reason = whyOpaque(value);
    if (reason !== undefined) throw new Obstacle(reason);
    this.#note(value, 'Object');
    if (this.options.mark !== undefined) return this.#copyDataOnly(value);
    if (!hasToJson(value)) return this.#copyMembers(value);
    try {
      const copy = this.copy(value.toJSON());
      this.#copies.set(value, copy);
      return copy;
    } catch (thrown) {
      throw Obstacle.within(thrown, '.toJSON()');
    }
  }

  #copyDataOnly(value: object): object {
    if (classFactsOf(value).isDataOnly) return this.#copyMembers(value);
    throw new Obstacle(
      `is an instance of ${classNameOf(value)}, which has methods or accessors and which no parameter of the method declares: declare it, name it in \`types\`, or pass plain data`,
    );
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
        if (member.name === 'name' && !isErrorName(member.value))
          throw new Obstacle('is the name of an error and no text');
        return { ...member, value: this.copy(member.value) };
      } catch (thrown) {
        throw Obstacle.within(thrown, memberPath(member.name));
      }
    });
    giveMembers(copy, members);
    return copy;
  }

  #keep<T>(original: object, copy: T): T {
    this.#copies.set(original, copy);
    return copy;
  }

  #note(value: object, kind: string): void {
    if (this.options.valueTypes.of(value) !== undefined) return;
    const name = classNameOf(value);
    if (name !== kind) (this.classNames ??= new Set()).add(name === '' ? '(anonymous class)' : name);
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
