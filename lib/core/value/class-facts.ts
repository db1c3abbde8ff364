import { Obstacle } from './obstacle.js';

/** What the classes of an instance show about its content. */
export interface ClassFacts {
  /** No class has a method or an accessor, so an instance is its fields and nothing more. */
  readonly isDataOnly: boolean;
  /** The instance may have a state that cannot be read from outside. */
  readonly mayHideState: boolean;
  /** An enumerable member of a prototype that is not a method: state that the instance does not own. */
  readonly inherited: PropertyKey | undefined;
}

/** A private name, a WeakMap of private state as compilers write it, or `this` passed to other code. */
const HIDING =
  /#[A-Za-z_$]|WeakMap|WeakSet|__classPrivateField|\.(?:set|add)\(\s*this|[(,]\s*this\s*[,)]|\[native code\]/;

/** By prototype. Shared by all applications, because the facts of a class do not change. */
const known = new WeakMap<object, ClassFacts>();

/** Inspects each class once. */
export function classFactsOf(instance: object): ClassFacts {
  const prototype = Object.getPrototypeOf(instance) as object;
  let facts = known.get(prototype);
  if (facts === undefined) {
    facts = inspect(prototype);
    known.set(prototype, facts);
  }
  return facts;
}

/**
 * Throws an {@link Obstacle} for an instance whose state cannot be seen, or is inherited in part. An instance without
 * any member passes if its class has neither methods nor a place to hide state: a DTO of which no member was given.
 */
export function assertVisibleState(instance: object): void {
  const { inherited } = classFactsOf(instance);
  if (inherited !== undefined) throw new Obstacle(`inherits the member ${String(inherited)}, which is not its own`);
  if (Object.keys(instance).length > 0 || enumerableSymbols(instance).length > 0) return;
  const { isDataOnly, mayHideState } = classFactsOf(instance);
  if (isDataOnly && !mayHideState && Object.getOwnPropertyNames(instance).length === 0) return;
  const { name } = (instance as { constructor: { name: string } }).constructor;
  throw new Obstacle(`is an instance of ${name} without a visible state: its members are private or not enumerable`);
}

/** Throws an {@link Obstacle} for an array with members beside its elements, as the matches of a RegExp have them. */
export function assertOnlyElements(array: readonly unknown[]): void {
  const keys = Object.keys(array);
  const last = keys.at(-1);
  // Indices come first and in order, so the last key shows whether there are other keys.
  if (last !== undefined && !(Number(last) < array.length)) {
    throw new Obstacle(`is an array with a member ${last} beside its elements`);
  }
}

const NO_SYMBOLS: readonly symbol[] = Object.freeze([]);

/** The symbols of enumerable members. Throws an {@link Obstacle} for a symbol that exists in this process only. */
export function enumerableSymbols(object: object): readonly symbol[] {
  const symbols = Object.getOwnPropertySymbols(object);
  if (symbols.length === 0) return NO_SYMBOLS;
  return symbols.filter((symbol) => {
    if (!Object.prototype.propertyIsEnumerable.call(object, symbol)) return false;
    if (Symbol.keyFor(symbol) === undefined) {
      throw Obstacle.within(
        new Obstacle('is keyed by a symbol that only this process has: use Symbol.for(), or a name'),
        `[${String(symbol)}]`,
      );
    }
    return true;
  });
}

function inspect(prototype: object): ClassFacts {
  let isDataOnly = true;
  let mayHideState = false;
  let inherited: PropertyKey | undefined;
  for (let level: object | null = prototype; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    if (Object.getPrototypeOf(level) === null && Object.hasOwn(level, 'isPrototypeOf')) break;
    for (const key of Reflect.ownKeys(level)) {
      if (key === 'constructor') continue;
      const member = Reflect.getOwnPropertyDescriptor(level, key) as PropertyDescriptor;
      const isAccessor = 'get' in member;
      if (isAccessor || typeof member.value === 'function') isDataOnly = false;
      else if (member.enumerable === true) inherited ??= key;
    }
    const cls: unknown = Object.hasOwn(level, 'constructor') ? level.constructor : undefined;
    mayHideState ||= typeof cls !== 'function' || HIDING.test(Function.prototype.toString.call(cls));
  }
  return { isDataOnly, mayHideState, inherited };
}
