import { EqualOperator, FindOperator, type FindOperatorType, InstanceChecker } from 'typeorm';
import { isPlainObject, Obstacle } from '../core/value/obstacle.js';
import type { ReadKind } from '../orm/entity-source.js';
import {
  assertConditions,
  mapMembers,
  plainConditions,
  plainFind,
  sortedSet,
  within,
} from '../orm/plain-conditions.js';
import { orderOf, plainOrder } from '../orm/plain-order.js';

/** Marks plain data that stands for an operator. */
const OPERATOR = Symbol.for('nestjs-async-cache find operator');

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
export function toPlainArguments(job: string, kind: ReadKind, args: readonly unknown[]): unknown[] {
  return plainFind(job, kind, args, {
    refused: REFUSED,
    where(where) {
      assertConditions(kind, where);
      return plainValue(where);
    },
    option: (value, name) => (name === 'order' ? plainOrder(value) : value),
  });
}

/** The arguments of `find` again. */
export function toFindOptions([where, options]: readonly unknown[]): Record<string, unknown> {
  const { order, ...rest } = (options ?? {}) as Record<string, unknown>;
  return {
    ...rest,
    ...(order === undefined ? {} : { order: orderOf(order) }),
    ...(where === undefined ? {} : { where: restored(where) }),
  };
}

function plainValue(value: unknown): unknown {
  return plainConditions(value, special, 'IsNull()');
}

function special(value: object): unknown {
  if (InstanceChecker.isFindOperator(value)) return plainOperator(value);
  return OPERATOR in value ? value : undefined;
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
    value: isSet ? sortedSet(value as unknown[]) : value,
    useParameter,
    multipleParameters,
  };
  return plain;
}

function restored(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(restored);
  if (typeof value !== 'object' || value === null || !isPlainObject(value)) return value;
  if (!isPlainOperator(value)) return mapMembers(value, restored);
  const { [OPERATOR]: type, useParameter, multipleParameters } = value;
  const inner = restored(value.value);
  if (type === 'equal') return new EqualOperator(inner);
  return new FindOperator(type, type === 'isNull' ? undefined : inner, useParameter, multipleParameters);
}

function isPlainOperator(value: unknown): value is PlainOperator {
  return typeof value === 'object' && value !== null && OPERATOR in value;
}
