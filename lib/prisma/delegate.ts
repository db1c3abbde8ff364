import type { Types } from '@prisma/client/runtime/client';
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

/** The names of the models of a client. */
export type ModelName<Client> = {
  [Name in keyof Client]: Client[Name] extends { findUniqueOrThrow: unknown } ? Name : never;
}[keyof Client] &
  string;
