import { type AnyColumn, getTableColumns, One, type Relation, type TablesRelationalConfig } from 'drizzle-orm';
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core';
import { ConfigurationError } from '../core/errors.js';
import {
  deleteAction,
  type EntityModel,
  type EntityReferenceTo,
  type EntityRelation,
  type KeyMember,
} from '../orm/entity-model.js';
import { tagNameIn } from '../orm/orm.js';
import { PerOwner } from '../orm/per-owner.js';
import { keyText } from '../orm/row-id.js';

/** A database with a schema, as `drizzle(pool, { schema })` returns it. */
export interface Database {
  readonly _: {
    readonly schema: TablesRelationalConfig | undefined;
    readonly fullSchema: Readonly<Record<string, unknown>>;
    /** Names of `db.query` by names in the database. */
    readonly tableNamesMap: Readonly<Record<string, string>>;
  };
}

/** The tables of a database, by their names in `db.query`. */
export type DataModel = ReadonlyMap<string, DrizzleModel>;

const known = new PerOwner<string, DataModel>();

/** The tables that a database was given. Throws a `ConfigurationError` when it has no schema. */
export function dataModelOf({ _: given }: Database, dataSource: string): DataModel {
  const { schema } = given;
  if (schema === undefined) {
    throw new ConfigurationError('The database of Drizzle has no schema', 'Give it one: drizzle(pool, { schema })');
  }
  return known.get(schema, dataSource, () => makeModels(given, schema, dataSource));
}

function makeModels({ fullSchema }: Database['_'], schema: TablesRelationalConfig, dataSource: string): DataModel {
  const models = new Map<string, DrizzleModel>();
  for (const [name, { relations }] of Object.entries(schema)) {
    models.set(name, new DrizzleModel(name, dataSource, fullSchema[name] as PgTable, relations, models));
  }
  return models;
}

/** What Drizzle knows about a table. */
export class DrizzleModel implements EntityModel {
  readonly tagName: string;
  readonly uniqueKeys: readonly (readonly string[])[];
  readonly key: readonly KeyMember[];
  readonly #config;
  readonly #members: ReadonlyMap<string, AnyColumn>;

  constructor(
    readonly name: string,
    dataSource: string,
    readonly table: PgTable,
    private readonly given: Readonly<Record<string, Relation>>,
    private readonly models: DataModel,
  ) {
    this.tagName = tagNameIn(dataSource, name);
    this.#members = new Map(Object.entries(getTableColumns(table)));
    this.#config = getTableConfig(table);
    const { columns, primaryKeys, uniqueConstraints } = this.#config;
    const single = columns.filter(({ primary }) => primary);
    const ids = single.length > 0 ? single : (primaryKeys[0]?.columns ?? []);
    const uniques = columns.filter(({ isUnique }) => isUnique).map((column) => [column]);
    this.key = ids.map((column) => ({ name: this.memberOf(column), text: keyText(column.columnType) }));
    this.uniqueKeys = [ids, ...uniques, ...uniqueConstraints.map((constraint) => constraint.columns)].map((key) =>
      key.map((column) => this.memberOf(column)),
    );
  }

  get relations(): readonly EntityRelation[] {
    return Object.entries(this.given).flatMap(([name, relation]) => {
      const target = [...this.models.values()].find(({ table }) => table === relation.referencedTable);
      const isOwn = relation instanceof One && relation.config !== undefined;
      return target === undefined ? [] : [{ name, target, isOwn }];
    });
  }

  get references(): readonly EntityReferenceTo[] {
    return this.#config.foreignKeys.flatMap((key) => {
      const { foreignTable } = key.reference();
      const target = [...this.models.values()].find(({ table }) => table === foreignTable);
      return target === undefined ? [] : [{ target, onDelete: deleteAction(key.onDelete) }];
    });
  }

  /** The column of the schema that has this name in the database. */
  column(name: string): AnyColumn | undefined {
    return [...this.#members.values()].find((column) => column.name === name);
  }

  /** What rows call a column. */
  memberOf({ name }: { readonly name: string }): string {
    return [...this.#members].find(([, column]) => column.name === name)?.[0] ?? '';
  }
}
