import type { BuildQueryResult, DBQueryConfig, SQL, TableRelationalConfig, TablesRelationalConfig } from 'drizzle-orm';
import type { ReadKind } from '../orm/entity-source.js';

interface Typed {
  readonly _: { readonly schema: unknown };
}

/** The tables of a database, by their names in `db.query`. */
type Tables<Database> = Database extends Typed
  ? Extract<NonNullable<Database['_']['schema']>, TablesRelationalConfig>
  : never;
type Table<Database, Name> = Name extends keyof Tables<Database>
  ? Extract<Tables<Database>[Name], TableRelationalConfig>
  : never;

/** The names of the tables of a database in `db.query`. */
export type TableName<Database> = keyof Tables<Database> & string;

/** What a cached read takes, in the types of Drizzle's relational queries. `get` needs conditions. */
export type EntityArgs<Database, Name, Kind extends ReadKind> = {
  get: Omit<DBQueryConfig<'one', true, Tables<Database>, Table<Database, Name>>, 'where'> & { where: SQL };
  filter: Omit<DBQueryConfig<'many', true, Tables<Database>, Table<Database, Name>>, 'where'> & { where?: SQL };
  count: { where?: SQL };
}[Kind];

/** A row that a cached read returns, by its arguments. */
export type EntityValue<Database, Name, Given = object> = BuildQueryResult<
  Tables<Database>,
  Table<Database, Name>,
  Given extends Record<string, unknown> ? Given : true
>;
