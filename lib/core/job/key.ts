import { hash } from 'node:crypto';
import { types } from 'node:util';
import { bytesOf, viewKind } from '../value/binary.js';
import { ContextError, UnkeyableArgumentError, UnserializableValueError } from '../errors.js';
import { assertOnlyElements, assertVisibleState, classFactsOf, enumerableSymbols } from '../value/class-facts.js';
import { MOST_HOLES } from '../value/deepest.js';
import { classNameOf, hasToJson, isPlainObject, memberPath, Obstacle, whyOpaque } from '../value/obstacle.js';

const LONGEST_KEY = 200;
const DEEPEST = 200;

/** `Class.method:"bob",1,{"a":1}`, or with a hash in place of the arguments when that would be too long. */
export function buildKey(name: string, version: string | number | undefined, args: readonly unknown[]): string {
  return keyOf(keyPrefix(name, version), name, args);
}

/** The part of a key that does not depend on the arguments: `Class.method:` or `Class.method@2:`. */
export function keyPrefix(name: string, version: string | number | undefined): string {
  const quoted = /^[\w$.#-]+$/.test(name) ? name : JSON.stringify(name);
  if (version === undefined) return `${quoted}:`;
  const label = String(version);
  return `${quoted}@${/^[\w.-]+$/.test(label) ? label : JSON.stringify(label)}:`;
}

/** `buildKey` for callers that keep the prefix of their job: building it is half of the cost of a short key. */
export function keyOf(prefix: string, job: string, args: readonly unknown[], context?: unknown): string {
  const key =
    context === undefined
      ? prefix + encodeArguments(job, args)
      : `${prefix}<${encodeContext(job, context)}>${encodeArguments(job, args)}`;
  return key.length <= LONGEST_KEY ? key : `${prefix}~${hash('sha256', key, 'base64url')}`;
}

/**
 * Canonical text of an argument list: equal lists give equal text, different lists different text. Private fields
 * beside visible ones are not seen, and neither are differences between two classes of the same name.
 */
export function encodeArguments(job: string, args: readonly unknown[]): string {
  let length = args.length;
  while (length > 0 && args[length - 1] === undefined) length--;
  let text = '';
  for (let index = 0; index < length; index++) {
    if (index > 0) text += ',';
    const argument = args[index];
    text += typeof argument === 'string' ? quote(argument) : encodeArgument(job, index, argument);
  }
  return text;
}

/** No argument's text begins with `<`, so a key with a context never equals one without. */
function encodeContext(job: string, context: unknown): string {
  try {
    return encode(context, []);
  } catch (thrown) {
    const { path, reason, cause } = Obstacle.within(thrown, '$');
    throw new ContextError(job, new UnserializableValueError(job, path, reason, cause));
  }
}

function encodeArgument(job: string, index: number, argument: unknown): string {
  try {
    return encode(argument, []);
  } catch (thrown) {
    const { path, reason, cause } = Obstacle.within(thrown, '$');
    throw new UnkeyableArgumentError(job, index, path, reason, cause);
  }
}

/** `above` holds the objects around the value. Meeting one of them again is a cycle. */
function encode(value: unknown, above: object[]): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      return `${value}`;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'undefined':
      return 'undefined';
    case 'bigint':
      return `${value}n`;
    case 'object':
      return value === null ? 'null' : encodeObject(value, above);
    case 'function':
    case 'symbol':
      throw new Obstacle(`is a ${typeof value}`);
  }
}

function encodeObject(value: object, above: object[]): string {
  if (above.includes(value)) throw new Obstacle('is a cycle');
  if (above.length === DEEPEST) throw new Obstacle(`is nested deeper than ${DEEPEST} levels`);
  above.push(value);
  let text: string;
  if (Array.isArray(value)) text = encodeArray(value, above);
  else if (hasToKey(value)) text = encodeOwnKey(value, above);
  else if (isPlainObject(value) && !hasToJson(value)) text = encodeFields(value, above);
  else text = encodeBuiltIn(value, above) ?? encodeInstance(value, above);
  above.pop();
  return text;
}

function encodeArray(array: readonly unknown[], above: object[]): string {
  let text = '[';
  let index = 0;
  let holes = 0;
  try {
    for (; index < array.length; index++) {
      if (index > 0) text += ',';
      const item = array[index];
      // A hole in an array is not undefined, so nothing is written for it.
      if (item !== undefined || index in array) text += encode(item, above);
      else if (++holes > MOST_HOLES) throw new Obstacle(`is one of more than ${MOST_HOLES} empty places of its array`);
    }
  } catch (thrown) {
    throw Obstacle.within(thrown, `[${index}]`);
  }
  assertOnlyElements(array);
  return `${text}]`;
}

function encodeFields(object: object, above: object[]): string {
  const fields = object as Readonly<Record<string, unknown>>;
  let text = '';
  let current = '';
  try {
    for (const name of sorted(Object.keys(fields))) {
      current = name;
      const value = fields[name];
      if (value === undefined) continue;
      text += `${text === '' ? '' : ','}${quote(name)}:${encode(value, above)}`;
    }
  } catch (thrown) {
    throw Obstacle.within(thrown, memberPath(current));
  }
  const symbols = enumerableSymbols(object);
  return symbols.length === 0 ? `{${text}}` : `{${text}${encodeSymbolMembers(object, symbols, text !== '', above)}}`;
}

/** Members keyed by symbols, as `["gt"]:5`: Sequelize's operators are such keys. */
function encodeSymbolMembers(object: object, symbols: readonly symbol[], follows: boolean, above: object[]): string {
  const members = object as Readonly<Record<symbol, unknown>>;
  const texts: string[] = [];
  for (const symbol of symbols) {
    const value = members[symbol];
    if (value === undefined) continue;
    try {
      texts.push(`[${quote(Symbol.keyFor(symbol) ?? '')}]:${encode(value, above)}`);
    } catch (thrown) {
      throw Obstacle.within(thrown, `[${String(symbol)}]`);
    }
  }
  if (texts.length === 0) return '';
  return (follows ? ',' : '') + sorted(texts).join(',');
}

function hasToKey(value: object): value is { toKey(): unknown } {
  return typeof (value as { toKey?: unknown }).toKey === 'function';
}

function encodeOwnKey(value: { toKey(): unknown }, above: object[]): string {
  try {
    return `${classTag(value)}(${encode(value.toKey(), above)})`;
  } catch (thrown) {
    throw Obstacle.within(thrown, '.toKey()');
  }
}

function encodeInstance(value: object, above: object[]): string {
  const reason = whyOpaque(value);
  if (reason !== undefined) throw new Obstacle(reason);
  if (!hasToJson(value)) {
    assertVisibleState(value);
    // A DTO that is only data is keyed by its content, so that an invalidation with a plain object finds the entry.
    const fields = encodeFields(value, above);
    return classFactsOf(value).isDataOnly ? fields : classTag(value) + fields;
  }
  try {
    return `${classTag(value)}(${encode(value.toJSON(), above)})`;
  } catch (thrown) {
    throw Obstacle.within(thrown, '.toJSON()');
  }
}

function encodeBuiltIn(value: object, above: object[]): string | undefined {
  if (types.isDate(value)) {
    if (Number.isNaN(value.getTime())) throw new Obstacle('is an invalid Date');
    return builtIn('Date', `(${value.toISOString()})`, value, above);
  }
  if (types.isMap(value)) return builtIn('Map', encodeEntries([...value], above), value, above);
  if (types.isSet(value))
    return builtIn(
      'Set',
      encodeEntries(
        [...value].map((member) => [member]),
        above,
      ),
      value,
      above,
    );
  if (ArrayBuffer.isView(value)) {
    return `${viewKind(value)}(${bytesOf(value).toString('base64')})`;
  }
  if (types.isArrayBuffer(value)) return `ArrayBuffer(${Buffer.from(value).toString('base64')})`;
  if (types.isRegExp(value)) return builtIn('RegExp', `(${quote(value.source)},${value.flags})`, value, above);
  if (value instanceof URL) return builtIn('URL', `(${quote(value.href)})`, value, above);
  if (value instanceof URLSearchParams) return builtIn('URLSearchParams', `(${quote(value.toString())})`, value, above);
  if (types.isBoxedPrimitive(value)) return encode(value.valueOf(), above);
  if (types.isNativeError(value)) throw new Obstacle('is an Error');
  return undefined;
}

/** A subclass keeps its own name and members beside the content of the built-in class. */
function builtIn(kind: string, content: string, value: object, above: object[]): string {
  const fields = Object.keys(value).length > 0 ? encodeFields(value, above) : '';
  const tag = classNameOf(value) === kind ? kind : `${classTag(value)} ${kind}`;
  return tag + content + fields;
}

function encodeEntries(entries: readonly (readonly unknown[])[], above: object[]): string {
  const texts = entries.map((entry, index) => {
    try {
      return entry.map((part) => encode(part, above)).join('=>');
    } catch (thrown) {
      throw Obstacle.within(thrown, `.entries()[${index}]`);
    }
  });
  return `{${sorted(texts).join(',')}}`;
}

const BUILT_IN_NAME = /^(Date|Map|Set|RegExp|URL|URLSearchParams|Buffer|DataView|ArrayBuffer|\w+Array)$/;

/** Quoted when it could be taken for something else, such as the name of a user's class `Map`. */
function classTag(value: object): string {
  const name = classNameOf(value);
  return /^[A-Za-z_$][\w$]*$/.test(name) && !BUILT_IN_NAME.test(name) ? name : JSON.stringify(name);
}

const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** The same as JSON.stringify of a string, but faster for strings without anything to escape. */
function quote(text: string): string {
  if (text.length > 40) return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || (unit >= 0xd800 && unit <= 0xdfff))
      return JSON.stringify(text);
  }
  return `"${text}"`;
}

/**
 * Sorts short lists by insertion, at half the cost of sort(). The members of an argument nearly always are a short
 * list.
 */
function sorted(texts: string[]): string[] {
  if (texts.length > 16) return texts.sort();
  for (let index = 1; index < texts.length; index++) {
    const text = texts[index] as string;
    let place = index;
    for (; place > 0 && (texts[place - 1] as string) > text; place--) texts[place] = texts[place - 1] as string;
    texts[place] = text;
  }
  return texts;
}
