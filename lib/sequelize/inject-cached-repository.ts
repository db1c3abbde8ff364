import { Inject } from '@nestjs/common';
import type { Model } from 'sequelize';
import { repositoryToken } from '../orm/repository-token.js';
import type { ModelReference } from './sequelize.js';

/** The token of the cached repository of a model. */
export function getCachedRepositoryToken<M extends Model>(model: ModelReference<M>, dataSource?: string): symbol {
  return repositoryToken(model, model.name, dataSource);
}

/** Injects the `CachedRepository` of a model, which `AsyncCacheSequelizeModule.forFeature` provides. */
export function InjectCachedRepository<M extends Model>(
  model: ModelReference<M>,
  dataSource?: string,
): ParameterDecorator & PropertyDecorator {
  return Inject(getCachedRepositoryToken(model, dataSource));
}
