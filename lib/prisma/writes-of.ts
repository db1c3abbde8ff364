import type { Write } from '../orm/database-watch.js';
import type { DataModel, PrismaModel, PrismaRelation } from './prisma-model.js';

type Data = Readonly<Record<string, unknown>>;

const WRITES: ReadonlySet<string> = new Set([
  'create',
  'createMany',
  'createManyAndReturn',
  'update',
  'updateMany',
  'updateManyAndReturn',
  'upsert',
  'delete',
  'deleteMany',
]);
/** Nested operations that take conditions in the place of data. */
const BY_CONDITIONS: ReadonlySet<string> = new Set(['connect', 'disconnect', 'set', 'delete', 'deleteMany']);
/** These change only the row that has the key of the relation. */
const LINKS: ReadonlySet<string> = new Set(['connect', 'disconnect']);

export function isWrite(operation: string): boolean {
  return WRITES.has(operation);
}

/** What an operation writes: before its result is there, all that it could. */
export function writesOf(
  models: DataModel,
  model: PrismaModel,
  operation: string,
  given: unknown,
  result?: unknown,
): Write[] {
  const { where, data, create, update } = (given ?? {}) as Data;
  const change = operation === 'upsert' ? update : data;
  switch (operation) {
    case 'create':
    case 'createMany':
    case 'createManyAndReturn':
      return [{ model, row: 'new' }, ...nestedWrites(model, data, true)];
    case 'delete':
      return [rowWritten(model, where, result, undefined, true)];
    case 'deleteMany':
      return [{ model, removes: true }];
    case 'update':
    case 'upsert':
      return [
        rowWritten(model, where, result, change),
        ...nestedWrites(model, create, true),
        ...nestedWrites(model, change, false),
        ...keysPassedOn(models, model, change),
      ];
    default:
      return [{ model }, ...keysPassedOn(models, model, change)];
  }
}

function rowWritten(model: PrismaModel, where: unknown, result: unknown, change?: unknown, removes = false): Write {
  // The conditions have the id from before, and the result that from after.
  const isRenamed = isData(change) && model.key.some(({ name }) => name in change);
  if (isRenamed) return { model, removes };
  return { model, row: { ...model.idIn(where), ...(isData(result) ? result : {}) }, removes };
}

function nestedWrites(model: PrismaModel, data: unknown, isNew: boolean): Write[] {
  return listOf(data).flatMap((row) =>
    model.relations.flatMap((relation) =>
      listOf(row[relation.name]).flatMap((nested) =>
        Object.entries(nested).flatMap(([operation, given]) => nestedWrite(relation, operation, given, isNew)),
      ),
    ),
  );
}

function nestedWrite(relation: PrismaRelation, operation: string, given: unknown, isNew: boolean): Write[] {
  const { target: model, isOwn, isList } = relation;
  if (isOwn && LINKS.has(operation)) return [];
  const creates = operation === 'create' || operation === 'createMany' || (operation === 'connectOrCreate' && isOwn);
  // A new row takes the place of another in a relation to one whose key is in the other row.
  const row = creates && (isNew || isOwn || isList) ? 'new' : undefined;
  const inner = BY_CONDITIONS.has(operation) ? [] : listOf(given);
  return [
    { model, row, removes: operation === 'delete' || operation === 'deleteMany' },
    ...inner.flatMap((each) =>
      [each, each['data'], each['create'], each['update']].flatMap((data) => nestedWrites(model, data, creates)),
    ),
  ];
}

/** Rows that refer to a field which was changed are changed by the database itself (`onUpdate`). */
function keysPassedOn(models: DataModel, model: PrismaModel, change: unknown): Write[] {
  if (!isData(change)) return [];
  const isPassedOn = ({ target, references, onUpdate }: PrismaRelation): boolean =>
    target === model &&
    onUpdate !== 'NoAction' &&
    onUpdate !== 'Restrict' &&
    references.some((field) => field in change);
  return [...models.values()].filter(({ relations }) => relations.some(isPassedOn)).map((other) => ({ model: other }));
}

function listOf(value: unknown): Data[] {
  return (Array.isArray(value) ? value : [value]).filter(isData);
}

function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null;
}
