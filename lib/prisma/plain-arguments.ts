import { skip } from '@prisma/client/runtime/client';
import { isPlainObject, Obstacle } from '../core/value/obstacle.js';
import type { ReadKind } from '../orm/entity-source.js';
import { assertConditions, mapMembers, plainArgument, sortedSet, within } from '../orm/plain-conditions.js';
import type { PrismaModel } from './prisma-model.js';

type Members = Readonly<Record<string, unknown>>;

/** Members of conditions that have conditions in them. */
const WITH_CONDITIONS: ReadonlySet<string> = new Set(['AND', 'OR', 'NOT', 'is', 'isNot', 'some', 'every', 'none']);
/** Filters for which the order of their values means nothing. */
const SETS: ReadonlySet<string> = new Set(['in', 'notIn', 'hasSome', 'hasEvery']);
const UNDEFINED = 'is undefined, which Prisma takes for any row: leave it out, or use null';

/**
 * Arguments of a read by what they mean: without members that are not set, `{ equals: 1 }` as `1`, values of a set in one
 * order. Throws an `UnkeyableArgumentError` for an `undefined` in `where`, which Prisma takes for "any row".
 */
export function toPlainArguments(
  job: string,
  kind: ReadKind,
  model: PrismaModel,
  [args]: readonly unknown[],
): unknown[] {
  return plainArgument(job, 0, () => {
    const plain = args === undefined ? {} : plainRead(model, args);
    if (kind === 'get') within('.where', () => assertConditions(kind, plain['where']));
    if (kind === 'count' && 'select' in plain) refuse('.select', 'would make several counts of one');
    return Object.keys(plain).length === 0 ? [] : [plain];
  });
}

function plainRead(model: PrismaModel, args: unknown): Members {
  if (!isMembers(args)) throw new Obstacle('is no object with where, select and the like');
  if ('where' in args && args['where'] === undefined) refuse('.where', UNDEFINED);
  return mapMembers(withoutUnset(args), (value, name) => {
    if (name === 'where') return plainWhere(model, value);
    if (name === 'orderBy') return Array.isArray(value) ? (value as unknown[]) : [value];
    return name === 'select' || name === 'include' ? plainSelection(model, value) : value;
  }) as Members;
}

function plainSelection(model: PrismaModel, selection: unknown): unknown {
  if (!isMembers(selection)) return selection;
  return mapMembers(withoutUnset(selection), (value, name) => {
    const target = model.relation(name)?.target;
    return target !== undefined && isMembers(value) ? plainRead(target, value) : value;
  });
}

function plainWhere(model: PrismaModel, where: unknown): unknown {
  if (Array.isArray(where))
    return where.map((each: unknown, index) => within(`[${String(index)}]`, () => plainWhere(model, each)));
  if (!isMembers(where)) return where;
  return mapMembers(withoutSkipped(where), (value, name) => {
    if (value === undefined) throw new Obstacle(UNDEFINED);
    const target = model.relation(name)?.target;
    if (target !== undefined) return plainWhere(target, value);
    if (WITH_CONDITIONS.has(name) || model.compoundKeys.has(name)) return plainWhere(model, value);
    return model.typeOf(name) === 'Json' ? value : plainFilter(value);
  });
}

function plainFilter(value: unknown): unknown {
  if (!isMembers(value) || !isPlainObject(value)) return value;
  const filter = mapMembers(withoutSkipped(value), (member, name) => {
    if (member === undefined) throw new Obstacle(UNDEFINED);
    if (SETS.has(name) && Array.isArray(member)) return sortedSet(member);
    return name === 'not' ? plainFilter(member) : member;
  }) as Members;
  const { equals } = filter;
  // `{ id: 1 }` says the same as `{ id: { equals: 1 } }`.
  const isSimple =
    Object.keys(filter).length === 1 && 'equals' in filter && !isMembers(equals) && !Array.isArray(equals);
  return isSimple ? equals : filter;
}

function withoutSkipped(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== skip));
}

function withoutUnset(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== skip && value !== undefined));
}

function refuse(segment: string, reason: string): never {
  throw Obstacle.within(new Obstacle(reason), segment);
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
