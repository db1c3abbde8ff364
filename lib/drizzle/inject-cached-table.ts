import { Inject } from '@nestjs/common';
import { repositoryToken } from '../orm/repository-token.js';
import { tableReference } from './drizzle.js';

/** The token of the cached reads of a table. @param table its name in `db.query`. */
export function getCachedTableToken(table: string, dataSource?: string): symbol {
  return repositoryToken(tableReference(table), table, dataSource);
}

/** Injects the `CachedTable` of a table, which `AsyncCacheDrizzleModule.forFeature` provides. */
export function InjectCachedTable(table: string, dataSource?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getCachedTableToken(table, dataSource));
}
