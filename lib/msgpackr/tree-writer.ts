import { types } from 'node:util';
import { bytesOf, viewKind } from '../core/value/binary.js';
import { blankObject } from '../core/value/blank-object.js';
import { isPlainObject } from '../core/value/obstacle.js';
import { errorKind, errorMembers, isError } from '../core/value/portable-error.js';
import type { ValueType, ValueTypes } from '../core/value/value-types.js';

/**
 * A portable value as a tree that JSON can hold. What JSON cannot hold becomes a text that starts with `$` and its
 * kind (`"$date 0"`), or an array that starts with such a text when it holds other values (`["$set",1]`). Texts that
 * start with `$` themselves get another one. An instance of a registered class is `["$instance","User",{…}]`, or
 * `["$custom","Decimal","1.5"]` where the class says what is stored; a release that knows neither takes the entry as a miss. Objects are numbered in the order they are met: `"$ref 2"` is the third.
 */
export class TreeWriter {
  /** Whether anything was marked. Such a tree must be read by a TreeReader. */
  typed = false;
  readonly #numbers = new Map<object, number>();

  /** @param valueTypes classes whose instances are written with their name. */
  constructor(private readonly valueTypes: ValueTypes) {}

  write(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        return value.startsWith('$') ? this.#mark(`$${value}`) : value;
      case 'boolean':
        return value;
      case 'number':
        if (Object.is(value, -0)) return this.#mark('$number -0');
        return Number.isFinite(value) ? value : this.#mark(`$number ${value}`);
      case 'undefined':
        return this.#mark('$undefined');
      case 'bigint':
        return this.#mark(`$bigint ${value.toString(16)}`);
      case 'object':
        return value === null ? null : this.#writeObject(value);
      case 'function':
      case 'symbol':
        throw new TypeError(`A ${typeof value} is not portable`);
    }
  }

  #writeObject(value: object): unknown {
    const number = this.#numbers.get(value);
    if (number !== undefined) return this.#mark(`$ref ${number}`);
    this.#numbers.set(value, this.#numbers.size);
    const type = this.valueTypes.of(value);
    return type === undefined ? this.#writeContent(value) : this.#mark(this.#writeInstance(value, type));
  }

  /** An instance and its members are one object and have one number. */
  #writeInstance(value: object, { name, custom }: ValueType): unknown[] {
    if (custom === undefined) return ['$instance', this.write(name), this.#writeContent(value)];
    return ['$custom', this.write(name), this.write(custom.serialize(value))];
  }

  #writeContent(value: object): unknown {
    if (Array.isArray(value)) return this.#writeArray(value);
    if (isPlainObject(value)) return this.#writeFields(value);
    const content = textOfLeaf(value) ?? this.#writeHolder(value);
    if (content !== undefined) return this.#mark(content);
    if (this.valueTypes.of(value) !== undefined) return this.#writeFields(value);
    throw new TypeError('An instance of a class is not portable');
  }

  #writeArray(items: readonly unknown[]): unknown[] {
    const nodes = items.map((item) => this.write(item));
    // map() keeps holes, and JSON would turn them into null.
    for (let index = 0; index < items.length; index++) if (!(index in items)) nodes[index] = this.#mark('$hole');
    return nodes;
  }

  #writeFields(object: object): object {
    const names = Object.keys(object);
    const fields = blankObject(names.length);
    for (const name of names) {
      const value = this.write((object as Readonly<Record<string, unknown>>)[name]);
      if (name !== '__proto__') fields[name] = value;
      else Object.defineProperty(fields, name, { value, enumerable: true });
    }
    const symbols = Object.getOwnPropertySymbols(object);
    return symbols.length === 0 ? fields : this.#mark(this.#writeSymbolMembers(object, fields, symbols));
  }

  /** The symbols of a portable value are all registered ones. */
  #writeSymbolMembers(object: object, fields: object, symbols: readonly symbol[]): unknown[] {
    const nodes: unknown[] = ['$object', fields];
    for (const symbol of symbols) {
      nodes.push(this.write(Symbol.keyFor(symbol)), this.write((object as Readonly<Record<symbol, unknown>>)[symbol]));
    }
    return nodes;
  }

  #writeHolder(value: object): unknown[] | undefined {
    const nodes: unknown[] = [];
    if (types.isMap(value)) {
      nodes.push('$map');
      for (const [key, member] of value) nodes.push(this.write(key), this.write(member));
    } else if (types.isSet(value)) {
      nodes.push('$set');
      for (const member of value) nodes.push(this.write(member));
    } else if (isError(value)) {
      nodes.push('$error', errorKind(value), this.write(value.message));
      for (const member of errorMembers(value)) {
        nodes.push(this.write(member.name), member.enumerable, this.write(member.value));
      }
    } else {
      return undefined;
    }
    return nodes;
  }

  #mark<T>(node: T): T {
    this.typed = true;
    return node;
  }
}

function textOfLeaf(value: object): string | undefined {
  if (types.isDate(value)) return `$date ${value.getTime()}`;
  if (ArrayBuffer.isView(value)) return `$bytes ${viewKind(value)} ${bytesOf(value).toString('base64')}`;
  if (types.isArrayBuffer(value)) return `$bytes ArrayBuffer ${Buffer.from(value).toString('base64')}`;
  if (types.isRegExp(value)) return `$regexp ${value.flags} ${value.source}`;
  if (value instanceof URL) return `$url ${value.href}`;
  if (value instanceof URLSearchParams) return `$query ${value.toString()}`;
  return undefined;
}
