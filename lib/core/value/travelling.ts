import { types } from 'node:util';
import { copyPortable, toMarked } from './portable.js';
import { asInstance, deserialize, NO_TYPES, type ValueType, type ValueTypes } from './value-types.js';

/** Marks an object with the name of the class of which it becomes an instance again. */
const CLASS = Symbol.for('nestjs-async-cache class');

/**
 * A portable copy in which instances of the given classes carry their class's name. Throws an `UnserializableValueError`
 * for what is not portable, and for an instance of another class that has methods or accessors: a plain object in its
 * place would be another argument.
 */
export function toTravelling(job: string, value: unknown, classes: ValueTypes): unknown {
  return toMarked(job, value, classes, CLASS);
}

/**
 * Puts instances back in their places, as objects of the prototype of their class: no constructor and no setter runs.
 * Throws a `TypeError` for a class that is not among the given ones.
 */
export function restoreInstances(value: unknown, classes: ValueTypes): unknown {
  // A copy, because the requester may still hold the original.
  return restore(copyPortable(value, NO_TYPES), classes, new Map());
}

function restore(value: unknown, classes: ValueTypes, met: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const known = met.get(value);
  if (known !== undefined) return known;
  if (types.isMap(value)) {
    met.set(value, value);
    const entries = [...value];
    value.clear();
    for (const [key, member] of entries) value.set(restore(key, classes, met), restore(member, classes, met));
    return value;
  }
  if (types.isSet(value)) {
    met.set(value, value);
    const members = [...value];
    value.clear();
    for (const member of members) value.add(restore(member, classes, met));
    return value;
  }
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return value;
  const type = typeOf(value, classes);
  if (type?.custom !== undefined) {
    const { content } = value as { readonly content?: unknown };
    const instance = deserialize(restore(content, classes, met), type, type.custom);
    met.set(value, instance);
    return instance;
  }
  met.set(value, value);
  Reflect.deleteProperty(value, CLASS);
  for (const key of Reflect.ownKeys(value)) {
    if (Array.isArray(value) && key === 'length') continue;
    const member = restore((value as Record<PropertyKey, unknown>)[key], classes, met);
    Object.defineProperty(value, key, { value: member, writable: true, enumerable: true, configurable: true });
  }
  return type === undefined ? value : asInstance(value, type);
}

function typeOf(value: object, classes: ValueTypes): ValueType | undefined {
  const name = (value as { [CLASS]?: unknown })[CLASS];
  if (name === undefined) return undefined;
  const type = typeof name === 'string' ? classes.named(name) : undefined;
  if (type !== undefined) return type;
  throw new TypeError(`No class ${JSON.stringify(name)} is declared here for an argument of this job`);
}
