import { Inject } from '@nestjs/common';
import type { ObjectLiteral } from 'typeorm';
import { entityNameOf, type EntityReference } from './typeorm-job.js';

const tokens = new WeakMap<object, Map<string, symbol>>();

/** The token of the cached repository of an entity. */
export function getCachedRepositoryToken<T extends ObjectLiteral>(
  entity: EntityReference<T>,
  dataSource = 'default',
): symbol {
  const ofEntity = tokens.get(entity) ?? new Map<string, symbol>();
  tokens.set(entity, ofEntity);
  const token = ofEntity.get(dataSource) ?? Symbol(`CachedRepository of ${dataSource}.${entityNameOf(entity)}`);
  ofEntity.set(dataSource, token);
  return token;
}

/** Injects the `CachedRepository` of an entity, which `AsyncCacheTypeOrmModule.forFeature` provides. */
export function InjectCachedRepository<T extends ObjectLiteral>(
  entity: EntityReference<T>,
  dataSource?: string,
): ParameterDecorator & PropertyDecorator {
  return Inject(getCachedRepositoryToken(entity, dataSource));
}
