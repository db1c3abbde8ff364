import { UnkeyableArgumentError } from '../core/errors.js';
import { encodeArguments } from '../core/job/key.js';
import { isPlainObject, memberPath, Obstacle } from '../core/value/obstacle.js';
import type { Arguments } from '../core/policy/policy.js';
import type { ReadKind } from './entity-source.js';

/** Runs what turns one argument into plain data. What stops it becomes an `UnkeyableArgumentError` of the job. */
export function plainArgument<T>(job: string, index: number, make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    const { path, reason, cause } = Obstacle.within(thrown, '$');
    throw new UnkeyableArgumentError(job, index, path, reason, cause);
  }
}

/** Throws an {@link Obstacle} for conditions that any row would match where one row is wanted, and for an empty list. */
export function assertConditions(kind: ReadKind, where: unknown): void {
  if (typeof where !== 'object' || where === null) throw new Obstacle('is no condition, so any row would match');
  const isEmpty = Array.isArray(where) ? where.length === 0 : Reflect.ownKeys(where).length === 0;
  if (isEmpty && (kind === 'get' || Array.isArray(where))) throw new Obstacle('is empty, so any row would match');
}

/**
 * Conditions as plain data. Throws an {@link Obstacle} for `undefined`, which many ORMs take for "any row".
 * @param special returns what stands for an object that only the ORM understands, and undefined for any other.
 */
export function plainConditions(value: unknown, special: (value: object) => unknown, isNull: string): unknown {
  if (value === undefined) throw new Obstacle(`is undefined, which could mean any row: leave it out, or use ${isNull}`);
  if (typeof value !== 'object' || value === null) return value;
  const known = special(value);
  if (known !== undefined) return known;
  const plain = (inner: unknown): unknown => plainConditions(inner, special, isNull);
  if (Array.isArray(value)) return value.map((each, index) => within(`[${String(index)}]`, () => plain(each)));
  return isPlainObject(value) ? mapMembers(value, plain) : value;
}

/** How an ORM's `find` is keyed. */
export interface FindOptions {
  /** Options that make no sense for a cached read, with the reason. */
  readonly refused: Readonly<Record<string, string>>;
  /** Conditions as plain data. Throws an {@link Obstacle}. */
  where(where: unknown): unknown;
  /** An option as plain data. */
  option(value: unknown, name: string): unknown;
}

/** The arguments of `find`, conditions and options, as plain data. Throws an `UnkeyableArgumentError`. */
export function plainFind(job: string, kind: ReadKind, [where, options]: Arguments, find: FindOptions): unknown[] {
  const plain = [plainArgument(job, 0, () => (where === undefined && kind !== 'get' ? undefined : find.where(where)))];
  if (options !== undefined) {
    const { refused } = find;
    const option = (value: unknown, name: string): unknown => find.option(value, name);
    plain.push(plainArgument(job, 1, () => plainOptions(options as object, refused, option)));
  }
  return plain;
}

/** The values of a set in an order that is always the same, each once. */
export function sortedSet(values: readonly unknown[]): unknown[] {
  const byText = new Map(values.map((value) => [encodeArguments('', [value]), value]));
  return [...byText.keys()].sort().map((text) => byText.get(text));
}

/** The options of a read with some members replaced. Throws an {@link Obstacle} for a refused one, with the reason. */
function plainOptions(
  options: object,
  refused: Readonly<Record<string, string>>,
  replace: (value: unknown, name: string) => unknown,
): object {
  return mapMembers(options, (value, name) => {
    const reason = refused[name];
    if (reason !== undefined && value !== undefined) throw new Obstacle(reason);
    return replace(value, name);
  });
}

/** Members keyed by symbols are kept: operators of some ORMs are such members. */
export function mapMembers(value: object, map: (member: unknown, name: string) => unknown): object {
  const mapped: Record<PropertyKey, unknown> = {};
  for (const key of Reflect.ownKeys(value)) {
    const path = typeof key === 'symbol' ? `[${String(key)}]` : memberPath(key);
    const member: unknown = within(path, () => map(Reflect.get(value, key), typeof key === 'symbol' ? '' : key));
    Object.defineProperty(mapped, key, { value: member, writable: true, enumerable: true, configurable: true });
  }
  return mapped;
}

/** Adds a segment to the path of what stops `make`. */
export function within<T>(segment: string, make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    throw Obstacle.within(thrown, segment);
  }
}
