import type { InjectionToken } from '@nestjs/common';
import { ConfigurationError } from '../core/errors.js';
import type { EntityJobOptions as SharedOptions, Orm } from '../orm/orm.js';
import { watchDatabase } from './database-watch.js';
import { DrizzleEntity } from './drizzle-entity.js';
import { type Database, dataModelOf } from './drizzle-model.js';

/** The options of a job, and where its table is. */
export interface EntityJobOptions extends SharedOptions {
  /** The token under which the application provides what `drizzle(pool, { schema })` returned. */
  database: InjectionToken;
}

/** A table by its name in `db.query`. */
export interface TableReference {
  readonly name: string;
}

const references = new Map<string, TableReference>();

/** One object for each name, so that it can be the key of tokens. */
export function tableReference(name: string): TableReference {
  const reference = references.get(name) ?? { name };
  references.set(name, reference);
  return reference;
}

/** Drizzle, as the shared code needs it, with the database that an application provides under a token. */
export function drizzleOf(database: InjectionToken): Orm<TableReference, Database> {
  const token = typeof database === 'function' ? database.name : String(database);
  return {
    name: 'Drizzle',
    module: `a module that provides ${token}`,
    nameOf: ({ name }) => name,
    tokenOf: () => database,
    connect(connected, { name }, { job, dataSource }) {
      const models = dataModelOf(connected, dataSource);
      const model = models.get(name);
      if (model === undefined) {
        throw new ConfigurationError(
          `${job} reads ${name}, which is no table of the schema that ${token} was given`,
          'Name a table as in db.query, or add it to `schema` of drizzle(…)',
          { job },
        );
      }
      return new DrizzleEntity(connected, model, models);
    },
    watch: watchDatabase,
  };
}
