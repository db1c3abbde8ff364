import { Copier } from '../core/value/copier.js';
import { DEEPEST } from '../core/value/deepest.js';
import { detach, rebuildView } from '../core/value/binary.js';
import type { ValueTypeRegistry } from '../core/value/value-type-registry.js';
import { blankError, errorMembers, giveMembers, isErrorName, type ErrorMember } from '../core/value/portable-error.js';
import { tooDeep } from './shallow.js';

const DOLLAR = 0x24;
/** In the place of an instance whose content is still being read: nothing in its content can refer to it. */
const UNFINISHED = Symbol('unfinished');

/** A longer name of a host takes Node a time that grows with its square. */
const LONG_HOST = /^[^/]*\/\/[^/?#]{2049}/;
const NOT_ASCII = /[^\u0000-\u007f]/;

/**
 * Turns the tree of a TreeWriter back into the value, reusing the tree's objects. Throws for anything unknown, and for
 * everything that a copy of the value would stumble over: a reader must never get an exception from stored bytes.
 */
export class TreeReader {
  readonly #met: unknown[] = [];
  #depth = 0;
  #hasReferences = false;
  #hasCustom = false;

  /** @param types makes instances of the classes that the tree names. */
  constructor(private readonly types: ValueTypeRegistry) {}

  read(tree: unknown): unknown {
    const value = this.#read(tree);
    // A copy comes by the objects in the order of the tree. Where references lead into the content of a class's own form
    // it does not, and a chain of references is as deep as it is long.
    if (this.#hasReferences && this.#hasCustom) new Copier({ valueTypes: this.types.all }).copy(value);
    return value;
  }

  #read(node: unknown): unknown {
    if (isPlain(node)) return node;
    if (typeof node === 'string') return this.#readMarked(node);
    if (this.#depth === DEEPEST) throw tooDeep();
    this.#depth++;
    const value = this.#readHolder(node as object);
    this.#depth--;
    return value;
  }

  #readHolder(node: object): unknown {
    if (!Array.isArray(node)) return this.#readFields(node as Record<string, unknown>);
    const first: unknown = node[0];
    if (first === '$map') return this.#readMap(node);
    if (first === '$set') return this.#readSet(node);
    if (first === '$error') return this.#readError(node);
    if (first === '$object') return this.#readSymbolMembers(node);
    if (first === '$instance') return this.#readInstance(node);
    if (first === '$custom') return this.#readCustom(node);
    return this.#readArray(node);
  }

  #readFields(fields: Record<string, unknown>): object {
    this.#met.push(fields);
    // A tenth faster in all than Object.keys(). An own `__proto__` is an ordinary member here as well.
    for (const name in fields) {
      const node = fields[name];
      if (!isPlain(node) && Object.hasOwn(fields, name)) fields[name] = this.#read(node);
    }
    return fields;
  }

  #readSymbolMembers(nodes: readonly unknown[]): object {
    const [, fields] = nodes;
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new TypeError('Not an object');
    const object = this.#readFields(fields as Record<string, unknown>);
    for (let at = 2; at < nodes.length; at += 2) {
      const value = this.#read(nodes[at + 1]);
      const symbol = Symbol.for(text(this.#read(nodes[at])));
      if (Object.hasOwn(object, symbol)) throw new TypeError('A member is there twice');
      Object.defineProperty(object, symbol, { value, writable: true, enumerable: true, configurable: true });
    }
    return object;
  }

  #readInstance(nodes: readonly unknown[]): unknown {
    const name = text(this.#read(nodes[1]));
    const number = this.#met.length;
    // An instance and its members are one object.
    this.#depth--;
    const content = this.#read(nodes[2]);
    this.#depth++;
    // A primitive, or a reference to an object that has been replaced already.
    if (number === this.#met.length || content !== this.#met[number])
      throw new TypeError('An instance without content');
    return this.types.restore(name, content, false);
  }

  #readCustom(nodes: readonly unknown[]): unknown {
    this.#hasCustom = true;
    const name = text(this.#read(nodes[1]));
    const number = this.#met.push(UNFINISHED) - 1;
    const instance = this.types.restore(name, this.#read(nodes[2]), true);
    this.#met[number] = instance;
    return instance;
  }

  #readArray(items: unknown[]): unknown[] {
    this.#met.push(items);
    for (let index = 0; index < items.length; index++) {
      const node = items[index];
      if (node === '$hole') Reflect.deleteProperty(items, index);
      else if (!isPlain(node)) items[index] = this.#read(node);
    }
    return items;
  }

  #readMap(nodes: readonly unknown[]): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>();
    this.#met.push(map);
    for (let at = 1; at < nodes.length; at += 2) map.set(this.#read(nodes[at]), this.#read(nodes[at + 1]));
    if (map.size * 2 !== nodes.length - 1) throw new TypeError('A key is there twice');
    return map;
  }

  #readSet(nodes: readonly unknown[]): Set<unknown> {
    const set = new Set<unknown>();
    this.#met.push(set);
    for (let at = 1; at < nodes.length; at++) set.add(this.#read(nodes[at]));
    if (set.size !== nodes.length - 1) throw new TypeError('A member is there twice');
    return set;
  }

  #readError(nodes: readonly unknown[]): Error {
    const error = blankError(text(nodes[1]), text(this.#read(nodes[2])));
    if (error === undefined) throw new TypeError('No such kind of error');
    this.#met.push(error);
    const members: ErrorMember[] = [];
    for (let at = 3; at < nodes.length; at += 3) {
      const name = text(this.#read(nodes[at]));
      members.push({ name, enumerable: nodes[at + 1] === true, value: this.#read(nodes[at + 2]) });
    }
    if (!members.every(({ name, value }) => name !== 'name' || isErrorName(value))) throw new TypeError('Not a name');
    giveMembers(error, members);
    const found = errorMembers(error);
    const isWhole = found.length === members.length && found.every(({ name }, at) => name === members[at]?.name);
    if (!isWhole) throw new TypeError('These are not the members of an error');
    return error;
  }

  #readMarked(marked: string): unknown {
    if (marked.charCodeAt(1) === DOLLAR) return marked.slice(1);
    if (marked.startsWith('$date ')) return this.#keep(new Date(instant(marked.slice(6))));
    const [kind, content] = split(marked);
    switch (kind) {
      case '$undefined':
        return undefined;
      case '$number':
        return specialNumber(content);
      case '$bigint':
        return bigint(content);
      case '$ref':
        return this.#readReference(Number(content));
      default:
        return this.#keep(readLeaf(kind, content));
    }
  }

  #keep(leaf: object): object {
    if (this.#depth === DEEPEST) throw tooDeep();
    this.#met.push(leaf);
    return leaf;
  }

  #readReference(number: number): unknown {
    this.#hasReferences = true;
    if (!(number in this.#met) || this.#met[number] === UNFINISHED) throw new TypeError('A reference leads nowhere');
    return this.#met[number];
  }
}

/** Checked before each call, since most of a tree is plain. */
function isPlain(node: unknown): boolean {
  if (typeof node === 'string') return node.charCodeAt(0) !== DOLLAR;
  return typeof node !== 'object' || node === null;
}

function readLeaf(kind: string, content: string): object {
  switch (kind) {
    case '$bytes':
      return readBytes(...split(content));
    case '$regexp': {
      const [flags, source] = split(content);
      return new RegExp(source, flags);
    }
    case '$url':
      // A URL's own text is always ASCII. The conversion of other names of hosts takes quadratic time.
      if (NOT_ASCII.test(content) || LONG_HOST.test(content)) throw new TypeError('Not the text of a URL');
      return new URL(content);
    case '$query':
      return new URLSearchParams(content);
    default:
      throw new TypeError(`No such kind of value: ${kind}`);
  }
}

function readBytes(kind: string, base64: string): object {
  const bytes = Buffer.from(base64, 'base64');
  if (kind === 'Buffer') return bytes;
  const own = detach(bytes);
  const view = kind === 'ArrayBuffer' ? own : rebuildView(kind, own);
  if (view === undefined) throw new TypeError(`No such kind of bytes: ${kind}`);
  return view;
}

/** At the first space. */
function split(marked: string): [kind: string, content: string] {
  const space = marked.indexOf(' ');
  return space < 0 ? [marked, ''] : [marked.slice(0, space), marked.slice(space + 1)];
}

function text(node: unknown): string {
  if (typeof node !== 'string') throw new TypeError('A text was expected');
  return node;
}

function instant(milliseconds: string): number {
  const number = Number(milliseconds);
  if (Number.isNaN(number) && milliseconds !== 'NaN') throw new TypeError('Not an instant');
  return number;
}

function specialNumber(name: string): number {
  if (!/^(NaN|-?Infinity|-0)$/.test(name)) throw new TypeError('Not a special number');
  return Number(name);
}

/** Hexadecimal, because reading decimal digits takes quadratic time. */
function bigint(digits: string): bigint {
  if (!/^-?[0-9a-f]+$/.test(digits)) throw new TypeError('Not a bigint');
  return digits.startsWith('-') ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);
}
