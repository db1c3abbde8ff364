import { types } from 'node:util';
import { bytesOf, viewKind } from '../core/binary.js';
import { isPlainObject } from '../core/opaque.js';
import { errorKind, errorMembers, isError } from '../core/portable-error.js';

/**
 * A portable value as a tree that JSON can hold. What JSON cannot hold becomes a text that starts with `$` and its
 * kind (`"$date 0"`), or an array that starts with such a text when it holds other values (`["$set",1]`). Texts that
 * start with `$` themselves get another one. Objects are numbered in the order they are met: `"$ref 2"` is the third.
 */
export class TreeWriter {
  /** Whether anything had to be marked: such a tree has to go through a TreeReader. */
  typed = false;
  readonly #numbers = new Map<object, number>();

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
    if (Array.isArray(value)) return value.map((item) => this.write(item));
    if (isPlainObject(value)) return this.#writeFields(value);
    const leaf = textOfLeaf(value);
    return this.#mark(leaf ?? this.#writeHolder(value));
  }

  #writeFields(object: object): object {
    const fields: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(object)) {
      const value = this.write(member);
      if (name !== '__proto__') fields[name] = value;
      else Object.defineProperty(fields, name, { value, enumerable: true });
    }
    return fields;
  }

  #writeHolder(value: object): unknown[] {
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
      throw new TypeError('An instance of a class is not portable');
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
