import { isRaw, Utils, wrap } from '@mikro-orm/core';
import { isPlainObject, Obstacle } from '../core/value/obstacle.js';
import type { ReadKind } from '../orm/entity-source.js';
import { assertConditions, mapMembers, plainConditions, plainFind, sortedSet } from '../orm/plain-conditions.js';
import { orderOf, plainOrder } from '../orm/plain-order.js';
import type { MikroOrmModel } from './mikro-orm-model.js';

/** Options that make no sense for a cached read, with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  where: 'is given twice: it is the first argument',
  lockMode: 'locks rows, which a cached read cannot',
  lockTableAliases: 'is for locked rows, which a cached read has none of',
  cache: "is MikroORM's own cache, beside this one",
  ctx: 'is that of the caller: a read inside of a transaction goes to the database by itself',
  signal: 'is of this process, and a worker may run the query',
  failHandler: 'is a function of this process, and a worker may run the query',
};

/** Find options as plain data, operators by their meaning. Throws an `UnkeyableArgumentError`. */
export function toPlainArguments(
  job: string,
  kind: ReadKind,
  model: MikroOrmModel,
  args: readonly unknown[],
): unknown[] {
  return plainFind(job, kind, args, {
    refused: REFUSED,
    where(where) {
      const [key = 'id'] = model.metadata.primaryKeys;
      const isKey = ['string', 'number', 'bigint'].includes(typeof where);
      const conditions = isKey ? { [key]: where } : where;
      assertConditions(kind, conditions);
      return byMeaning(model, plainConditions(conditions, special, 'null'));
    },
    option: (value, name) => (name === 'orderBy' ? plainOrder(value) : value),
  });
}

/** The conditions and options of `find` again. */
export function toFindOptions([where = {}, options]: readonly unknown[]): [object, Record<string, unknown>] {
  const { orderBy, ...rest } = (options ?? {}) as Record<string, unknown>;
  return [where as object, { ...rest, ...(orderBy === undefined ? {} : { orderBy: orderOf(orderBy) }) }];
}

function special(value: object): unknown {
  if (isRaw(value)) throw new Obstacle('is raw SQL, of which a key knows nothing: use operators');
  return Utils.isEntity(value, true) ? wrap(value, true).getPrimaryKey() : undefined;
}

/** `{ id: 1 }` is `{ id: { $eq: 1 } }`, and `{ id: [2, 1] }` is `{ id: { $in: [1, 2] } }`. */
function byMeaning(model: MikroOrmModel, value: unknown, name = ''): unknown {
  if (Array.isArray(value)) {
    if (model.isScalar(name)) return { $in: sortedSet(value) };
    return name === '$in' || name === '$nin' ? sortedSet(value) : value.map((each) => byMeaning(model, each));
  }
  if (typeof value !== 'object' || value === null || !isPlainObject(value)) return value;
  const related = model.relations.find((relation) => relation.name === name)?.target ?? model;
  if (Object.keys(value).length === 1 && '$eq' in value) return value.$eq;
  return mapMembers(value, (member, key) => byMeaning(related, member, key));
}
