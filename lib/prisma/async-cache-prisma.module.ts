import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { repositoryModule } from '../orm/repository-module.js';
import { CachedDelegate } from './cached-delegate.js';
import type { ModelName } from './delegate.js';
import { EntityCountJob } from './entity-count-job.js';
import { EntityFilterJob } from './entity-filter-job.js';
import { EntityGetJob } from './entity-get-job.js';
import { type EntityJobOptions, modelReference, prismaOf } from './prisma.js';

/** The options of the jobs, and where the client is. */
export interface CachedDelegateOptions<Client = unknown> extends EntityJobOptions<Client> {
  /** The module that provides the client, unless it is global. */
  imports?: ModuleMetadata['imports'];
}

/** Provides the cached delegates of models. Import it where they are used. */
@Module({})
export class AsyncCachePrismaModule {
  /**
   * A `CachedDelegate` for each model (`'user'` for `prisma.user`), injected by `InjectCachedDelegate`. The application
   * does not start when its client has no such model, when the client reports no writes, or when a model is registered
   * elsewhere with other options: a `ConfigurationError`.
   */
  static forFeature<Client = Readonly<Record<string, { findUniqueOrThrow: unknown }>>>(
    models: readonly ModelName<Client>[],
    { imports = [], ...options }: CachedDelegateOptions<Client>,
  ): DynamicModule {
    const { client, ...shared } = options;
    return repositoryModule({
      module: AsyncCachePrismaModule,
      orm: prismaOf(client),
      entities: models.map(modelReference),
      options: shared,
      jobs: { get: EntityGetJob, filter: EntityFilterJob, count: EntityCountJob },
      repository: CachedDelegate,
      imports,
      reference: ({ property }) => property,
      ownOptions: { client },
    });
  }
}
