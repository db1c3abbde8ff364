import { Association, type Model, type ModelStatic } from 'sequelize';
import { isPlainObject } from '../core/value/obstacle.js';
import type { EntityModel, EntityRelation } from '../orm/entity-model.js';
import { modelsReached } from '../orm/read-dependencies.js';
import type { SequelizeModel } from './sequelize-model.js';

/** Members of an `include` that leave the rows which include it as they are. */
const NEUTRAL: ReadonlySet<string> = new Set(['model', 'as', 'association', 'attributes', 'include', 'paranoid']);

/** The models on whose rows it depends which rows match: those in conditions, in an order, and in inner joins. */
export function modelsJoined(model: SequelizeModel, options: Readonly<Record<string, unknown>>): Set<EntityModel> {
  const { where, having, include, order } = options;
  const joined = new Set(modelsReached(model, nested(where), nested(having)));
  addIncluded(joined, model, include);
  addOrdered(joined, [model], order);
  return joined;
}

/** `{ '$author.name$': 'Ann' }` as `{ author: { name: 'Ann' } }`. */
function nested(where: unknown): unknown {
  if (Array.isArray(where)) return where.map(nested);
  if (typeof where !== 'object' || where === null || !isPlainObject(where)) return where;
  return Reflect.ownKeys(where).map((key) => {
    const inner = nested(Reflect.get(where, key));
    const path = typeof key === 'string' ? /^\$(.+)\$$/.exec(key)?.[1]?.split('.') : undefined;
    return path?.reduceRight((below, name) => ({ [name]: below }), inner) ?? { [key]: inner };
  });
}

function addIncluded(joined: Set<EntityModel>, model: SequelizeModel, include: unknown): void {
  const includes: readonly unknown[] = Array.isArray(include) ? include : [include];
  for (const each of includes) {
    const relation = model.relations.find((known) => isNamed(model, known, each));
    if (relation === undefined) continue;
    const members = typeof each === 'object' && each !== null && !(each instanceof Association) ? each : {};
    const joins = Object.entries(members).some(([name, value]) => !NEUTRAL.has(name) && value !== undefined);
    if (joins) add(joined, relation);
    if ('include' in members) addIncluded(joined, relation.target, members.include);
    if (joins && 'where' in members)
      for (const below of modelsReached(relation.target, members.where)) joined.add(below);
  }
}

/** An order is a list of paths: `[[Author, 'name', 'ASC']]`, with models, associations and their names. */
function addOrdered(joined: Set<EntityModel>, models: SequelizeModel[], order: unknown): void {
  if (Array.isArray(order)) {
    for (const each of order) addOrdered(joined, models, each);
    return;
  }
  for (const model of models) {
    for (const relation of model.relations.filter((known) => isNamed(model, known, order))) {
      add(joined, relation);
      const target = relation.target;
      if (!models.includes(target)) models.push(target);
    }
  }
}

function isNamed({ model }: SequelizeModel, { name, target }: EntityRelation<SequelizeModel>, by: unknown): boolean {
  if (typeof by === 'string') return by === name;
  if (typeof by === 'function') return isModel(target, by);
  if (typeof by !== 'object' || by === null) return false;
  if (by instanceof Association) return by === model.associations[name];
  const { model: named, as = name, association } = by as Readonly<Record<string, unknown>>;
  if (association !== undefined) return association === name || association === model.associations[name];
  return as === name && isModel(target, named);
}

function isModel(target: SequelizeModel, by: unknown): boolean {
  const named = by as ModelStatic<Model> | undefined;
  return typeof by === 'function' && named === target.model;
}

function add(joined: Set<EntityModel>, { target, through }: EntityRelation): void {
  joined.add(target);
  if (through !== undefined) joined.add(through);
}
