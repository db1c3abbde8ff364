import { Inject } from '@nestjs/common';
import { repositoryToken } from '../orm/repository-token.js';
import { modelReference } from './prisma.js';

/** The token of the cached delegate of a model. */
export function getCachedDelegateToken(model: string, dataSource?: string): symbol {
  const reference = modelReference(model);
  return repositoryToken(reference, reference.name, dataSource);
}

/** Injects the `CachedDelegate` of a model, which `AsyncCachePrismaModule.forFeature` provides. */
export function InjectCachedDelegate(model: string, dataSource?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getCachedDelegateToken(model, dataSource));
}
