/** What stops a walk through a value, and where. Walkers add the path on the way out, so that the way in stays fast. */
export class Obstacle extends Error {
  path = '';

  constructor(
    readonly reason: string,
    override readonly cause?: unknown,
  ) {
    super(reason);
  }

  /** Turns anything thrown below `segment` into an obstacle: a getter or a toJSON() may throw as well. */
  static within(thrown: unknown, segment: string): Obstacle {
    const obstacle = thrown instanceof Obstacle ? thrown : new Obstacle('throws when it is read', thrown);
    obstacle.path = segment + obstacle.path;
    return obstacle;
  }
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

export function memberPath(key: string): string {
  return IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** An object literal of any realm: test runners and node: modules pass objects of another one. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

export function classNameOf(value: object): string {
  const prototype = Object.getPrototypeOf(value) as { constructor?: unknown } | null;
  const constructor = prototype?.constructor;
  return typeof constructor === 'function' ? constructor.name : '';
}

export function hasToJson(value: object): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

/** Why the content of an instance cannot be read from outside; undefined when its fields are its content. */
export function whyOpaque(value: object): string | undefined {
  const members = value as Record<PropertyKey, unknown>;
  const has = (name: string): boolean => typeof members[name] === 'function';
  if (has('then')) return 'is a promise, or a query that was not awaited';
  if (has('pipe') || (has('on') && has('emit'))) return `is a stream or event emitter (${classNameOf(value)})`;
  const tag = members[Symbol.toStringTag];
  // Platform objects (WeakMap, Headers, generators, …) have a tag and keep their state in internal slots.
  if (typeof tag === 'string' && !hasToJson(value) && Object.keys(value).length === 0) {
    return `is a ${tag}, whose content cannot be read`;
  }
  return undefined;
}
