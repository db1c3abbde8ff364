import { EqualOperator, FindOperator, type FindOperatorType, InstanceChecker } from 'typeorm';
import { encodeArguments } from '../core/job/key.js';
import { UnkeyableArgumentError } from '../core/errors.js';
import { isPlainObject, memberPath, Obstacle } from '../core/value/obstacle.js';
import type { ReadKind } from '../orm/entity-source.js';

/** Marks plain data that stands for an operator. */
const OPERATOR = Symbol.for('nestjs-async-cache find operator');
/** Marks a list that stands for an `order`, whose members have an order themselves. */
const ORDER = Symbol.for('nestjs-async-cache find order');

interface PlainOperator {
  readonly [OPERATOR]: FindOperatorType;
  readonly value: unknown;
  readonly useParameter: boolean;
  readonly multipleParameters: boolean;
}

/** Operators for which the order of their values means nothing. */
const SETS: ReadonlySet<string> = new Set(['in', 'any']);
/** Options that make no sense for a cached read, with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  where: 'is given twice: it is the first argument',
  lock: 'locks rows, which a cached read cannot',
  cache: "is TypeORM's own cache, beside this one",
  transaction: 'is for a read of its own',
};

/**
 * Find options as plain data, operators by their meaning. Throws an `UnkeyableArgumentError` for `Raw`, and for an
 * `undefined` in `where`, which TypeORM may take for "any row".
 */
export function toPlainArguments(job: string, kind: ReadKind, [where, options]: readonly unknown[]): unknown[] {
  const plain = [located(job, 0, () => plainWhere(kind, where))];
  if (options !== undefined) plain.push(located(job, 1, () => plainOptions(options as Record<string, unknown>)));
  return plain;
}

/** The arguments of `find` again. */
export function toFindOptions([where, options]: readonly unknown[]): Record<string, unknown> {
  return { ...(restored(options) as object | undefined), ...(where === undefined ? {} : { where: restored(where) }) };
}

function located<T>(job: string, index: number, make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    const { path, reason, cause } = Obstacle.within(thrown, '$');
    throw new UnkeyableArgumentError(job, index, path, reason, cause);
  }
}

function plainWhere(kind: ReadKind, where: unknown): unknown {
  if (where === undefined && kind !== 'get') return undefined;
  if (typeof where !== 'object' || where === null) throw new Obstacle('is no condition, so any row would match');
  const isEmpty = Object.keys(where).length === 0;
  if (isEmpty && (kind === 'get' || Array.isArray(where))) throw new Obstacle('is empty, so any row would match');
  return plainValue(where);
}

function plainValue(value: unknown): unknown {
  if (value === undefined) throw new Obstacle('is undefined, which could mean any row: leave it out, or use IsNull()');
  if (InstanceChecker.isFindOperator(value)) return plainOperator(value);
  if (Array.isArray(value)) return value.map((each, index) => within(`[${String(index)}]`, () => plainValue(each)));
  if (typeof value !== 'object' || value === null || !isPlainObject(value) || OPERATOR in value) return value;
  return mapMembers(value, plainValue);
}

function plainOperator(operator: FindOperator<unknown>): unknown {
  const { type, child, useParameter, multipleParameters } = operator;
  if (type === 'raw') throw new Obstacle('is Raw, whose SQL is hidden in a function: use another operator');
  const value = within(`.${type}`, () => plainValue(child ?? (type === 'isNull' ? null : operator.value)));
  // `{ id: 1 }` says the same as `{ id: Equal(1) }`.
  if (type === 'equal' && !isPlainOperator(value)) return value;
  const isSet = SETS.has(type) && Array.isArray(value);
  const plain: PlainOperator = {
    [OPERATOR]: type,
    value: isSet ? asSet(value as unknown[]) : value,
    useParameter,
    multipleParameters,
  };
  return plain;
}

function asSet(values: readonly unknown[]): unknown[] {
  const byText = new Map(values.map((value) => [encodeArguments('', [value]), value]));
  return [...byText.keys()].sort().map((text) => byText.get(text));
}

function plainOptions(options: Record<string, unknown>): unknown {
  return mapMembers(options, (value, name) => {
    const reason = REFUSED[name];
    if (reason !== undefined && value !== undefined) throw new Obstacle(reason);
    return name === 'order' && isPlainOrder(value) ? { [ORDER]: orderList(value) } : value;
  });
}

function isPlainOrder(order: unknown): order is object {
  return typeof order === 'object' && order !== null && !(ORDER in order);
}

/** `{ name: 'ASC', id: 'ASC' }` and `{ id: 'ASC', name: 'ASC' }` are different, and members of a key have no order. */
function orderList(order: unknown): unknown {
  if (typeof order !== 'object' || order === null || !isPlainObject(order)) return order;
  return Object.entries(order)
    .filter(([, direction]) => direction !== undefined)
    .map(([name, direction]) => [name, orderList(direction)]);
}

function restored(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(restored);
  if (typeof value !== 'object' || value === null || !isPlainObject(value)) return value;
  if (ORDER in value) return restoredOrder(value[ORDER]);
  if (!isPlainOperator(value)) return mapMembers(value, restored);
  const { [OPERATOR]: type, useParameter, multipleParameters } = value;
  const inner = restored(value.value);
  if (type === 'equal') return new EqualOperator(inner);
  return new FindOperator(type, type === 'isNull' ? undefined : inner, useParameter, multipleParameters);
}

function restoredOrder(list: unknown): unknown {
  if (!Array.isArray(list)) return list;
  return Object.fromEntries(list.map(([name, direction]: [string, unknown]) => [name, restoredOrder(direction)]));
}

function isPlainOperator(value: unknown): value is PlainOperator {
  return typeof value === 'object' && value !== null && OPERATOR in value;
}

function mapMembers(value: object, map: (member: unknown, name: string) => unknown): object {
  const mapped = Object.entries(value).map(([name, member]) => [
    name,
    within(memberPath(name), () => map(member, name)),
  ]);
  return Object.fromEntries(mapped) as object;
}

function within<T>(segment: string, make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    throw Obstacle.within(thrown, segment);
  }
}
