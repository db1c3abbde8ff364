import { AnyNull, DbNull, Decimal, JsonNull, PrismaClientKnownRequestError } from '@prisma/client/runtime/client';
import type { Arguments } from '../core/policy/policy.js';
import type { ValueTypeOption } from '../core/value/value-types.js';
import { isPlainObject } from '../core/value/obstacle.js';
import type { EntityModel } from '../orm/entity-model.js';
import type { EntitySource, ReadKind } from '../orm/entity-source.js';
import { modelsReached } from '../orm/read-dependencies.js';
import { toPlainArguments } from './plain-arguments.js';
import type { PrismaModel } from './prisma-model.js';
import type { Transaction } from './transaction.js';

type Members = Readonly<Record<string, unknown>>;
type Delegate = Readonly<Record<string, (args: unknown) => Promise<unknown>>>;

/** Arguments of `findFirst` that `findUnique` does not have. */
const OF_FIRST = ['orderBy', 'cursor', 'take', 'skip', 'distinct'];

/** Values of Prisma that are instances: in rows, and in conditions. */
const TYPES: readonly ValueTypeOption[] = [
  {
    type: Decimal,
    name: 'Prisma.Decimal',
    serialize: (decimal: Decimal) => decimal.toString(),
    deserialize: (text: unknown) => frozen(new Decimal(text as string)),
    // Else each reader of `readOnly` rows would get a copy of all of them. No method of a Decimal changes it.
    immutable: true,
  },
  ...[DbNull, JsonNull, AnyNull].map((value: object) => ({
    type: value.constructor as new () => object,
    serialize: () => null,
    deserialize: () => value,
    immutable: true,
  })),
];

/** One model of one client, as the cached reads of `orm/` need it. */
export class PrismaEntity implements EntitySource<Transaction> {
  readonly types = TYPES;

  constructor(
    private readonly client: object,
    private readonly property: string,
    readonly model: PrismaModel,
  ) {}

  prepare(job: string, kind: ReadKind, args: Arguments): Arguments {
    return toPlainArguments(job, kind, this.model, args);
  }

  equalities([args]: Arguments): unknown {
    return this.model.flat((args as Members | undefined)?.['where']);
  }

  reached([args]: Arguments): Iterable<EntityModel> {
    return reachedBy(this.model, args);
  }

  async read(kind: ReadKind, [args]: Arguments, transaction?: Transaction): Promise<unknown> {
    const delegate = ((transaction?.client ?? this.client) as Readonly<Record<string, Delegate>>)[this.property];
    const operation = { get: this.#operationOf(args), filter: 'findMany', count: 'count' }[kind];
    const value = await delegate?.[operation]?.(args);
    freezeDecimals(value);
    return value;
  }

  isNotFound(error: unknown): boolean {
    return error instanceof PrismaClientKnownRequestError && error.code === 'P2025';
  }

  rowOfId(id: unknown): unknown {
    return typeof id === 'object' && id !== null ? this.model.flat(id) : id;
  }

  /** With `select` a row may come without its id. */
  identified([args]: Arguments, row: unknown): unknown {
    return { ...this.model.idIn((args as Members)['where']), ...(row as object) };
  }

  /** `findUnique` takes a key by its name, and Prisma makes one query of several of the same moment. */
  #operationOf(args: unknown): string {
    const given = (args ?? {}) as Members;
    const where = (given['where'] ?? {}) as Members;
    const { uniqueKeys, compoundKeys } = this.model;
    const isNamed =
      uniqueKeys.some(([field = '', ...others]) => others.length === 0 && (where[field] ?? null) !== null) ||
      [...compoundKeys.keys()].some((name) => name in where);
    return isNamed && !OF_FIRST.some((name) => name in given) ? 'findUniqueOrThrow' : 'findFirstOrThrow';
  }
}

/** Readers share the Decimals of rows. One that assigned to their members would change them for all. */
function freezeDecimals(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Decimal) frozen(value);
  else if (Array.isArray(value) || isPlainObject(value)) Object.values(value).forEach(freezeDecimals);
}

function frozen(decimal: Decimal): Decimal {
  Object.freeze(decimal.d);
  return Object.freeze(decimal);
}

/** What conditions and orders reach, those of included rows as well, and what is counted. */
function reachedBy(model: PrismaModel, args: unknown): EntityModel[] {
  if (!isMembers(args)) return [];
  const { where, orderBy, select, include } = args;
  const reached = [...modelsReached(model, where, orderBy)];
  for (const selection of [select, include]) {
    if (!isMembers(selection)) continue;
    for (const { name, target } of model.relations) reached.push(...reachedBy(target, selection[name]));
    const { _count: count } = selection;
    if (count === undefined || count === false) continue;
    const counted = isMembers(count) && isMembers(count['select']) ? count['select'] : undefined;
    for (const { name, target } of model.relations) {
      if (counted === undefined || name in counted) reached.push(target, ...reachedBy(target, counted?.[name]));
    }
  }
  return reached;
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}
