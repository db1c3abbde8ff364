import { isPlainObject } from '../core/value/obstacle.js';
import type { EntityModel } from './entity-model.js';

/**
 * The entities on whose rows it depends which rows match: those that conditions or an order reach by relations. A member
 * that is no relation, as an operator or an embedded object, may have relations below it.
 */
export function modelsReached(model: EntityModel, ...conditions: readonly unknown[]): ReadonlySet<EntityModel> {
  const reached = new Set<EntityModel>();
  for (const each of conditions) reach(reached, model, each, '');
  return reached;
}

function reach(reached: Set<EntityModel>, model: EntityModel, conditions: unknown, path: string): void {
  if (typeof conditions !== 'object' || conditions === null) return;
  if (!Array.isArray(conditions) && !isPlainObject(conditions)) return;
  for (const member of Reflect.ownKeys(conditions)) {
    const inner: unknown = Reflect.get(conditions, member);
    const name = typeof member === 'symbol' ? '' : path + member;
    const relation = model.relations.find((each) => each.name === name);
    if (relation === undefined) {
      const isEmbedded = model.relations.some((each) => each.name.startsWith(`${name}.`));
      reach(reached, model, inner, isEmbedded ? `${name}.` : path);
      continue;
    }
    reached.add(relation.target);
    if (relation.through !== undefined) reached.add(relation.through);
    reach(reached, relation.target, inner, '');
  }
}

/** Whether conditions name one row by a unique key. No other row can come to match. */
export function isByUniqueKey({ uniqueKeys }: EntityModel, where: unknown): boolean {
  if (typeof where !== 'object' || where === null || Array.isArray(where)) return false;
  return uniqueKeys.some(
    (members) => members.length > 0 && members.every((member) => isOneValue(Reflect.get(where, member))),
  );
}

function isOneValue(value: unknown): boolean {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) || value instanceof Date;
}
