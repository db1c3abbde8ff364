import { Inject } from '@nestjs/common';
import type { ObjectLiteral } from 'typeorm';
import { repositoryToken } from '../orm/repository-token.js';
import { type EntityReference, TYPEORM } from './typeorm.js';

/** The token of the cached repository of an entity. */
export function getCachedRepositoryToken<T extends ObjectLiteral>(
  entity: EntityReference<T>,
  dataSource?: string,
): symbol {
  return repositoryToken(entity, TYPEORM.nameOf(entity), dataSource);
}

/** Injects the `CachedRepository` of an entity, which `AsyncCacheTypeOrmModule.forFeature` provides. */
export function InjectCachedRepository<T extends ObjectLiteral>(
  entity: EntityReference<T>,
  dataSource?: string,
): ParameterDecorator & PropertyDecorator {
  return Inject(getCachedRepositoryToken(entity, dataSource));
}
