import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { ObjectLiteral } from 'typeorm';
import type { EntityJobOptions } from '../orm/orm.js';
import { repositoryModule } from '../orm/repository-module.js';
import { CachedRepository } from './cached-repository.js';
import { EntityCountJob } from './entity-count-job.js';
import { EntityFilterJob } from './entity-filter-job.js';
import { EntityGetJob } from './entity-get-job.js';
import { type EntityReference, TYPEORM } from './typeorm.js';

/** Provides the cached repositories of entities. Import it where `TypeOrmModule.forFeature` would be imported. */
@Module({})
export class AsyncCacheTypeOrmModule {
  /**
   * A `CachedRepository` for each entity, injected by `InjectCachedRepository`. Registers the entities as
   * `TypeOrmModule.forFeature` does, whose repositories it exports as well. The application does not start when an
   * entity is unknown to the data source, or is registered elsewhere with other options: a `ConfigurationError`.
   */
  static forFeature(
    entities: readonly EntityReference<ObjectLiteral>[],
    options: EntityJobOptions = {},
  ): DynamicModule {
    return repositoryModule({
      module: AsyncCacheTypeOrmModule,
      feature: TypeOrmModule.forFeature([...entities], options.dataSource),
      orm: TYPEORM,
      entities,
      options,
      jobs: { get: EntityGetJob, filter: EntityFilterJob, count: EntityCountJob },
      repository: CachedRepository,
    });
  }
}
