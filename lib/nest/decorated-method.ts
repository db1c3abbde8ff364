import type { JobOptions } from '../core/policy/job-options.js';

/** What is known of a method with `@AsyncCached`. */
export interface DecoratedMethod {
  readonly propertyKey: string | symbol;
  /** The prototype that declares it. */
  readonly owner: object;
  readonly options: JobOptions;
  /** The classes of its parameters, where the compiler wrote them. */
  readonly parameterClasses: readonly Class[];
  /** Always asynchronous; the last value of an Observable. */
  readonly fetch: (target: object, args: readonly unknown[]) => Promise<unknown>;
}

/** The members of a class that are used here. */
export interface Class {
  readonly name: string;
  readonly prototype: object;
}

const DECORATED = Symbol.for('nestjs-async-cache decorated');

/** Stored for the prototype and not on the function, since a decorator above may replace the function. */
export function markDecorated(method: DecoratedMethod): void {
  Reflect.defineMetadata(DECORATED, method, method.owner, method.propertyKey);
}

export function isDecorated(owner: object, propertyKey: string | symbol): boolean {
  return Reflect.hasOwnMetadata(DECORATED, owner, propertyKey);
}

/** The decorated methods of a class, including inherited and overridden ones. */
export function decoratedMethodsOf(cls: Class): DecoratedMethod[] {
  return prototypesOf(cls).flatMap((prototype) =>
    Reflect.ownKeys(prototype)
      .map((key) => decoratedAt(prototype, key))
      .filter((method) => method !== undefined),
  );
}

/** The decorated method of that name. If the class overrides it without decorating, the one behind `super`. */
export function decoratedMethodOf(cls: Class, propertyKey: string | symbol): DecoratedMethod | undefined {
  for (const prototype of prototypesOf(cls)) {
    const method = decoratedAt(prototype, propertyKey);
    if (method !== undefined) return method;
  }
  return undefined;
}

/** `Class.method`. An overridden method that is called through `super` has a name of its own. */
export function jobNameOf(method: DecoratedMethod, cls: Class): string {
  if (method.options.name !== undefined) return method.options.name;
  const name = `${cls.name}.${String(method.propertyKey)}`;
  const outermost = prototypesOf(cls).find((prototype) => Object.hasOwn(prototype, method.propertyKey));
  return outermost === method.owner ? name : `${name}(${method.owner.constructor.name})`;
}

function decoratedAt(prototype: object, key: string | symbol): DecoratedMethod | undefined {
  return Reflect.getOwnMetadata(DECORATED, prototype, key) as DecoratedMethod | undefined;
}

/** From the class's own prototype to that of its outermost base class. */
function prototypesOf(cls: Class): object[] {
  const prototypes: object[] = [];
  let prototype: object | null = cls.prototype;
  while (prototype !== null && prototype !== Object.prototype) {
    prototypes.push(prototype);
    prototype = Reflect.getPrototypeOf(prototype);
  }
  return prototypes;
}
