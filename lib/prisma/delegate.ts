import type { Types } from '@prisma/client/runtime/client';
import type { Peeked, Reading } from '../core/job/job.js';
import type { ReadKind } from '../orm/entity-source.js';

type Args<Delegate, Operation extends Types.Public.Operation> = Types.Public.Args<Delegate, Operation>;

/**
 * What a cached read takes, in the types of Prisma: of `get` those of `findUniqueOrThrow` and `findFirstOrThrow`, of
 * `filter` those of `findMany`, of `count` those of `count` without `select`.
 */
export type EntityArgs<Delegate, Kind extends ReadKind> = {
  get: Args<Delegate, 'findUniqueOrThrow'> | (Args<Delegate, 'findFirstOrThrow'> & { readonly where: object });
  filter: Args<Delegate, 'findMany'>;
  count: Omit<Args<Delegate, 'count'>, 'select'>;
}[Kind];

/** What a cached read of a model returns, by its arguments. */
export type EntityValue<Delegate, Kind extends 'get' | 'filter', Given = object> = Types.Public.Result<
  Delegate,
  Given,
  { get: 'findUniqueOrThrow'; filter: 'findMany' }[Kind]
>;

/** The arguments of a read as they were given, with what is wrong in them as an error. `select` and `include` decide what rows have. */
export type ExactArgs<Delegate, Kind extends 'get' | 'filter', Own> = Types.Public.Exact<
  Own,
  EntityArgs<Delegate, Kind>
>;

/** The reads of a job in the types of Prisma. Only types: the methods are those of the job. */
export interface RowReads<Delegate> {
  get<Own extends EntityArgs<Delegate, 'get'>>(
    args: ExactArgs<Delegate, 'get', Own>,
  ): Promise<EntityValue<Delegate, 'get', Own>>;
  read<Own extends EntityArgs<Delegate, 'get'>>(
    args: ExactArgs<Delegate, 'get', Own>,
  ): Promise<Reading<EntityValue<Delegate, 'get', Own>>>;
  peek<Own extends EntityArgs<Delegate, 'get'>>(
    args: ExactArgs<Delegate, 'get', Own>,
  ): Promise<Peeked<EntityValue<Delegate, 'get', Own>> | undefined>;
  refresh<Own extends EntityArgs<Delegate, 'get'>>(
    args: ExactArgs<Delegate, 'get', Own>,
  ): Promise<EntityValue<Delegate, 'get', Own>>;
}

/** As `RowReads`, of rows that match. */
export interface RowsReads<Delegate> {
  get<Own extends EntityArgs<Delegate, 'filter'>>(
    args?: ExactArgs<Delegate, 'filter', Own>,
  ): Promise<EntityValue<Delegate, 'filter', Own>>;
  read<Own extends EntityArgs<Delegate, 'filter'>>(
    args?: ExactArgs<Delegate, 'filter', Own>,
  ): Promise<Reading<EntityValue<Delegate, 'filter', Own>>>;
  peek<Own extends EntityArgs<Delegate, 'filter'>>(
    args?: ExactArgs<Delegate, 'filter', Own>,
  ): Promise<Peeked<EntityValue<Delegate, 'filter', Own>> | undefined>;
  refresh<Own extends EntityArgs<Delegate, 'filter'>>(
    args?: ExactArgs<Delegate, 'filter', Own>,
  ): Promise<EntityValue<Delegate, 'filter', Own>>;
}

/** The names of the models of a client. */
export type ModelName<Client> = {
  [Name in keyof Client]: Client[Name] extends { findUniqueOrThrow: unknown } ? Name : never;
}[keyof Client] &
  string;
