import { inspect } from 'node:util';
import { ConfigurationError } from '../errors.js';

/** The members of a class that are needed to make objects of its prototype. */
export interface Constructor {
  /** Stored with each instance. */
  readonly name: string;
  /** What instances are made of. */
  readonly prototype: object;
}

/**
 * A class whose instances come back as instances from every store: the class alone, or with a name, or with what makes
 * something storable of an instance and an instance of that again.
 *
 * Of a class alone the own enumerable members are stored. They come back on an object of its prototype: no constructor
 * and no setter runs. A class with private members (`#name`) needs `serialize` and `deserialize`.
 */
export type ValueTypeOption = Constructor | DescribedType;

/** A class in `types`, with how its instances are stored. */
export interface DescribedType {
  /** The class. */
  readonly type: Constructor;
  /** The name that is stored for the class. *Default:* its own. */
  readonly name?: string;
  /** Returns what is stored for an instance: any value that can be stored itself. */
  serialize?(instance: { toString(): string }): unknown;
  /** Makes an instance of `type` from the result of `serialize`. If it throws, the entry is a miss. */
  deserialize?(content: never): object;
  /** Instances never change, so readers may share them. *Default:* false: each read makes its own instances. */
  readonly immutable?: boolean;
}

/** One registered class. */
export interface ValueType {
  readonly name: string;
  readonly prototype: object;
  readonly custom: CustomForm | undefined;
}

export interface CustomForm {
  readonly serialize: (instance: object) => unknown;
  readonly deserialize: (content: unknown) => object;
  readonly immutable: boolean;
}

/** Registered classes, by prototype and by name. */
export class ValueTypes {
  readonly #byPrototype = new Map<object, ValueType>();
  readonly #byName = new Map<string, ValueType>();

  constructor(types: Iterable<ValueType> = []) {
    for (const type of types) this.add(type);
  }

  get isEmpty(): boolean {
    return this.#byName.size === 0;
  }

  add(type: ValueType): void {
    this.#byPrototype.set(type.prototype, type);
    this.#byName.set(type.name, type);
  }

  /** The type of which this is a direct instance; an instance of a subclass has another prototype. */
  of(instance: object): ValueType | undefined {
    return this.#byPrototype.size === 0 ? undefined : this.#byPrototype.get(Object.getPrototypeOf(instance) as object);
  }

  named(name: string): ValueType | undefined {
    return this.#byName.get(name);
  }

  [Symbol.iterator](): Iterator<ValueType> {
    return this.#byName.values();
  }
}

export const NO_TYPES = new ValueTypes();

/** Turns an object with the members into an instance of the type. */
export function asInstance<T extends object>(members: T, type: ValueType): T {
  return Object.setPrototypeOf(members, type.prototype) as T;
}

/** Makes an instance from the result of `serialize`. Throws a `TypeError` when `deserialize` returns something else. */
export function deserialize(content: unknown, { name, prototype }: ValueType, form: CustomForm): object {
  const instance: unknown = form.deserialize(content);
  if (typeof instance === 'object' && instance !== null && Object.getPrototypeOf(instance) === prototype) {
    return instance;
  }
  throw new TypeError(`deserialize of ${name} in \`types\` returned no ${name}`);
}

/** Checks one entry of a `types` option. Throws a {@link ConfigurationError} that names its owner. */
export function toValueType(owner: string, option: unknown): ValueType {
  const described = isClass(option) ? { type: option } : option;
  if (!isDescribed(described)) {
    throw new ConfigurationError(
      `types of ${owner} has ${inspect(option, { depth: 0 })}, which is not a class`,
      'Name classes: types: [User, { type: Decimal, serialize, deserialize }]',
    );
  }
  const { type, name = type.name, serialize, deserialize: restore, immutable = false } = described;
  if (typeof name !== 'string' || name === '') {
    throw new ConfigurationError(
      `types of ${owner} has a class without a name`,
      "Give it one: { type, name: 'User' }. It is what is stored, so it must stay the same from build to build",
    );
  }
  if (isNative(type)) {
    throw new ConfigurationError(
      `types of ${owner} has ${name}`,
      'Leave it out: built-in classes survive by themselves',
    );
  }
  if ((serialize === undefined) !== (restore === undefined)) {
    throw new ConfigurationError(
      `types of ${owner} has ${name} with only one of serialize and deserialize`,
      'Give both, or neither',
    );
  }
  if (serialize === undefined || restore === undefined) {
    if (hasPrivateMembers(type)) {
      throw new ConfigurationError(
        `types of ${owner} has ${name}, which keeps state in private members that nothing can read or restore`,
        `Say how: { type: ${name}, serialize: (instance) => …, deserialize: (content) => new ${name}(…) }`,
      );
    }
    return { name, prototype: type.prototype, custom: undefined };
  }
  for (const [part, given] of Object.entries({ serialize, deserialize: restore })) {
    if (typeof given !== 'function') {
      throw new ConfigurationError(`${part} of ${name} in types of ${owner} is no function`, 'Give a function');
    }
  }
  return { name, prototype: type.prototype, custom: { serialize, deserialize: restore, immutable } };
}

interface Described {
  readonly type: Constructor;
  readonly name?: unknown;
  readonly serialize?: CustomForm['serialize'];
  readonly deserialize?: CustomForm['deserialize'];
  readonly immutable?: boolean;
}

function isDescribed(option: unknown): option is Described {
  return typeof option === 'object' && option !== null && isClass((option as { type?: unknown }).type);
}

function isClass(value: unknown): value is Constructor {
  return typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null;
}

function isNative(type: Constructor): boolean {
  return sourceOf(type).endsWith('{ [native code] }');
}

/** Private members of the language, or as compilers write them for older targets. */
function hasPrivateMembers(type: Constructor): boolean {
  for (let level: unknown = type; typeof level === 'function'; level = Object.getPrototypeOf(level)) {
    if (/this\s*\.\s*#|^\s*#[\w$]+\s*[=;(]|__classPrivateField/m.test(sourceOf(level))) return true;
  }
  return false;
}

function sourceOf(type: object): string {
  return Function.prototype.toString.call(type);
}
