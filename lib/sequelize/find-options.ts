import { Association, Model, type ModelStatic, Op, Utils } from 'sequelize';
import { isPlainObject, Obstacle } from '../core/value/obstacle.js';
import type { ReadKind } from '../orm/entity-source.js';
import { assertConditions, mapMembers, plainConditions, plainFind, sortedSet } from '../orm/plain-conditions.js';
import type { SequelizeModel } from './sequelize-model.js';

/** Marks plain data that stands for `fn`, `col`, `literal`, … by the name of its class. */
const METHOD = Symbol.for('nestjs-async-cache sequelize method');
/** Marks plain data that stands for a model, or with `as` for one of its associations. */
const MODEL = Symbol.for('nestjs-async-cache sequelize model');

/** Options that make no sense for a cached read, with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  where: 'is given twice: it is the first argument',
  lock: 'locks rows, which a cached read cannot',
  skipLocked: 'is for locked rows, which a cached read has none of',
  transaction: 'is that of the caller: a read inside of a transaction goes to the database by itself',
  logging: 'is a function of this process, and a worker may run the query',
  plain: 'is what get does',
  rejectOnEmpty: 'is what get does',
};

/** Find options as plain data, operators by their meaning. Throws an `UnkeyableArgumentError`. */
export function toPlainArguments(
  job: string,
  kind: ReadKind,
  model: SequelizeModel,
  args: readonly unknown[],
): unknown[] {
  return plainFind(job, kind, args, {
    refused: REFUSED,
    where(where) {
      if (!isMethod(where)) assertConditions(kind, where);
      return byMeaning(model, plainConditions(where, special, '{ [Op.is]: null }'));
    },
    option: plainOption,
  });
}

/** The arguments of `findAll` again. */
export function toFindOptions(
  models: Readonly<Record<string, ModelStatic<Model>>>,
  [where, options]: readonly unknown[],
): Record<string, unknown> {
  const restore = (value: unknown): unknown => restored(models, value);
  return { ...(restore(options) as object | undefined), ...(where === undefined ? {} : { where: restore(where) }) };
}

/** An option that is undefined is one that is not given. */
function plainOption(value: unknown): unknown {
  if (isModel(value)) return { [MODEL]: value.name };
  if (typeof value !== 'object' || value === null) return value;
  const known = special(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) return value.map(plainOption);
  if (!isPlainObject(value)) return value;
  return mapMembers(value, (member, name) =>
    name === 'where' ? plainConditions(member, special, '{ [Op.is]: null }') : plainOption(member),
  );
}

function special(value: object): unknown {
  if (isMethod(value)) {
    return { [METHOD]: value.constructor.name, content: mapMembers({ ...value }, (member) => plainOption(member)) };
  }
  if (value instanceof Association) return { [MODEL]: value.source.name, as: value.as };
  if (value instanceof Model) throw new Obstacle('is a row: give its key');
  return METHOD in value || MODEL in value ? value : undefined;
}

/** `{ id: 1 }` is `{ id: { [Op.eq]: 1 } }`, and `{ id: [2, 1] }` is `{ id: { [Op.in]: [1, 2] } }`. */
function byMeaning(model: SequelizeModel, value: unknown, name = ''): unknown {
  if (Array.isArray(value)) {
    if (name !== '' && model.isScalar(name)) return { [Op.in]: sortedSet(value) };
    return value.map((each) => byMeaning(model, each));
  }
  if (typeof value !== 'object' || value === null || !isPlainObject(value) || METHOD in value) return value;
  const keys = Reflect.ownKeys(value);
  if (keys.length === 1 && keys[0] === Op.eq && Op.eq in value) return value[Op.eq];
  const mapped = mapMembers(value, (member, key) => byMeaning(model, member, key));
  for (const set of [Op.in, Op.notIn]) {
    const values: unknown = Reflect.get(mapped, set);
    if (Array.isArray(values)) Reflect.set(mapped, set, sortedSet(values));
  }
  return mapped;
}

function restored(models: Readonly<Record<string, ModelStatic<Model>>>, value: unknown): unknown {
  const restore = (inner: unknown): unknown => restored(models, inner);
  if (Array.isArray(value)) return value.map(restore);
  if (typeof value !== 'object' || value === null || !isPlainObject(value)) return value;
  if (METHOD in value && 'content' in value) {
    const { prototype } = Reflect.get(Utils, String(value[METHOD])) as { readonly prototype: object };
    return Object.setPrototypeOf(restore(value.content), prototype) as object;
  }
  if (!(MODEL in value)) return mapMembers(value, restore);
  const model = models[String(value[MODEL])];
  return 'as' in value ? model?.associations[String(value.as)] : model;
}

function isModel(value: unknown): value is ModelStatic<Model> {
  return typeof value === 'function' && value.prototype instanceof Model;
}

function isMethod(value: unknown): boolean {
  return value instanceof Utils.SequelizeMethod;
}
