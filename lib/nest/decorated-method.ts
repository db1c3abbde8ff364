import type { JobOptions } from '../core/job-options.js';

/** What `@AsyncCached` knows of the method it decorates. */
export interface DecoratedMethod {
  readonly propertyKey: string | symbol;
  /** The prototype that declares it. */
  readonly owner: object;
  readonly options: JobOptions;
  /** Always asynchronous: of an Observable it is the last value. */
  readonly fetch: (target: object, args: readonly unknown[]) => Promise<unknown>;
}

/** A class, as far as names and prototypes go. */
export interface Class {
  readonly name: string;
  readonly prototype: object;
}

const DECORATED = Symbol.for('nestjs-async-cache decorated');

/** Kept with the prototype and not with the function on it, since a decorator above may put its own in the place. */
export function markDecorated(method: DecoratedMethod): void {
  Reflect.defineMetadata(DECORATED, method, method.owner, method.propertyKey);
}

export function isDecorated(owner: object, propertyKey: string | symbol): boolean {
  return Reflect.hasOwnMetadata(DECORATED, owner, propertyKey);
}

/** The decorated methods of a class, inherited ones and those it overrides included. */
export function decoratedMethodsOf(cls: Class): DecoratedMethod[] {
  return prototypesOf(cls).flatMap((prototype) =>
    Reflect.ownKeys(prototype)
      .map((key) => decoratedAt(prototype, key))
      .filter((method) => method !== undefined),
  );
}

/** The decorated method of that name; if the class overrides it without decorating, the one behind `super`. */
export function decoratedMethodOf(
  cls: Class,
  propertyKey: string | symbol,
): DecoratedMethod | undefined {
  for (const prototype of prototypesOf(cls)) {
    const method = decoratedAt(prototype, propertyKey);
    if (method !== undefined) return method;
  }
  return undefined;
}

/** `Class.method`; an overridden method that is called by way of `super` has a name of its own. */
export function jobNameOf(method: DecoratedMethod, cls: Class): string {
  if (method.options.name !== undefined) return method.options.name;
  const name = `${cls.name}.${String(method.propertyKey)}`;
  const outermost = prototypesOf(cls).find((prototype) => Object.hasOwn(prototype, method.propertyKey));
  return outermost === method.owner ? name : `${name}(${method.owner.constructor.name})`;
}

function decoratedAt(prototype: object, key: string | symbol): DecoratedMethod | undefined {
  return Reflect.getOwnMetadata(DECORATED, prototype, key) as DecoratedMethod | undefined;
}

/** From the class's own outwards. */
function prototypesOf(cls: Class): object[] {
  const prototypes: object[] = [];
  let prototype: object | null = cls.prototype;
  while (prototype !== null && prototype !== Object.prototype) {
    prototypes.push(prototype);
    prototype = Reflect.getPrototypeOf(prototype);
  }
  return prototypes;
}
