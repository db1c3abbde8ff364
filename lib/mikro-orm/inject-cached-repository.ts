import { Inject } from '@nestjs/common';
import { repositoryToken } from '../orm/repository-token.js';
import { type EntityReference, MIKRO_ORM } from './mikro-orm.js';

/** The token of the cached repository of an entity. */
export function getCachedRepositoryToken<T extends object>(entity: EntityReference<T>, dataSource?: string): symbol {
  return repositoryToken(entity, MIKRO_ORM.nameOf(entity), dataSource);
}

/** Injects the `CachedRepository` of an entity, which `AsyncCacheMikroOrmModule.forFeature` provides. */
export function InjectCachedRepository<T extends object>(
  entity: EntityReference<T>,
  dataSource?: string,
): ParameterDecorator & PropertyDecorator {
  return Inject(getCachedRepositoryToken(entity, dataSource));
}
