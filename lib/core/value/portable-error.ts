import { types } from 'node:util';

const KINDS: ReadonlyMap<string, (message: string) => Error> = new Map<string, (message: string) => Error>([
  ['Error', (message) => new Error(message)],
  ['EvalError', (message) => new EvalError(message)],
  ['RangeError', (message) => new RangeError(message)],
  ['ReferenceError', (message) => new ReferenceError(message)],
  ['SyntaxError', (message) => new SyntaxError(message)],
  ['TypeError', (message) => new TypeError(message)],
  ['URIError', (message) => new URIError(message)],
  ['AggregateError', (message) => new AggregateError([], message)],
]);

/** Members that are kept although they are not enumerable, or are defined by the class. */
const HIDDEN = ['name', 'code', 'cause', 'errors'] as const;

export interface ErrorMember {
  readonly name: string;
  readonly value: unknown;
  readonly enumerable: boolean;
}

export function isError(value: object): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}

/** The standard class of an error, or the one that it extends. */
export function errorKind(error: Error): string {
  for (let level: unknown = Object.getPrototypeOf(error); level !== null; level = Object.getPrototypeOf(level)) {
    const name = (level as { constructor?: { name?: unknown } }).constructor?.name;
    if (typeof name === 'string' && KINDS.has(name)) return name;
  }
  return 'Error';
}

/** What an error has beside its message. The stack is left out, because it names paths of the host. */
export function errorMembers(error: Error): ErrorMember[] {
  const fields = error as unknown as Readonly<Record<string, unknown>>;
  const own = Object.keys(error).filter((name) => name !== 'message' && name !== 'stack');
  const members = own.map((name) => ({ name, value: fields[name], enumerable: true }));
  for (const name of HIDDEN) {
    if (own.includes(name) || !(name in error)) continue;
    const value = fields[name];
    const inherent = name === 'name' && value === errorKind(error);
    if (!inherent) members.push({ name, value, enumerable: false });
  }
  return members;
}

/** An error of a standard class, without members yet; undefined when there is no such class. */
export function blankError(kind: string, message: string): Error | undefined {
  return KINDS.get(kind)?.(message);
}

export function giveMembers(error: Error, members: readonly ErrorMember[]): void {
  for (const { name, value, enumerable } of members) {
    Object.defineProperty(error, name, { value, enumerable, writable: true, configurable: true });
  }
  const stack = `${error.name}: ${error.message}`;
  Object.defineProperty(error, 'stack', { value: stack, enumerable: false, writable: true, configurable: true });
}

/**
 * Whether an error may have this name. The name is a part of every text that is made of an error, and a list of lists that
 * refer to each other would become a text without an end.
 */
export function isErrorName(name: unknown): boolean {
  return typeof name !== 'object' || name === null;
}
