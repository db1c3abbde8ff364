import { type DynamicModule, Module } from '@nestjs/common';
import { SequelizeModule } from '@nestjs/sequelize';
import type { Model } from 'sequelize';
import type { EntityJobOptions } from '../orm/orm.js';
import { repositoryModule } from '../orm/repository-module.js';
import { CachedRepository } from './cached-repository.js';
import { EntityCountJob } from './entity-count-job.js';
import { EntityFilterJob } from './entity-filter-job.js';
import { EntityGetJob } from './entity-get-job.js';
import { type ModelReference, SEQUELIZE } from './sequelize.js';

/** Provides the cached repositories of models. Import it where `SequelizeModule.forFeature` would be imported. */
@Module({})
export class AsyncCacheSequelizeModule {
  /**
   * A `CachedRepository` for each model, injected by `InjectCachedRepository`. Registers the models as
   * `SequelizeModule.forFeature` does, and exports what that provides. The application does not start when a model is
   * unknown to the data source, or is registered elsewhere with other options: a `ConfigurationError`.
   */
  static forFeature(models: readonly ModelReference<Model>[], options: EntityJobOptions = {}): DynamicModule {
    return repositoryModule({
      module: AsyncCacheSequelizeModule,
      feature: SequelizeModule.forFeature([...models] as never[], options.dataSource),
      orm: SEQUELIZE,
      entities: models,
      options,
      jobs: { get: EntityGetJob, filter: EntityFilterJob, count: EntityCountJob },
      repository: CachedRepository,
    });
  }
}
