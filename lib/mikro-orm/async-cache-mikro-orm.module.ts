import { MikroOrmModule } from '@mikro-orm/nestjs';
import { type DynamicModule, Module } from '@nestjs/common';
import type { EntityJobOptions } from '../orm/orm.js';
import { repositoryModule } from '../orm/repository-module.js';
import { CachedRepository } from './cached-repository.js';
import { EntityCountJob } from './entity-count-job.js';
import { EntityFilterJob } from './entity-filter-job.js';
import { EntityGetJob } from './entity-get-job.js';
import { type AnyEntityReference, MIKRO_ORM } from './mikro-orm.js';

/** Provides the cached repositories of entities. Import it where `MikroOrmModule.forFeature` would be imported. */
@Module({})
export class AsyncCacheMikroOrmModule {
  /**
   * A `CachedRepository` for each entity, injected by `InjectCachedRepository`. Registers the entities as
   * `MikroOrmModule.forFeature` does, whose repositories it exports as well. The application does not start when an
   * entity is unknown to the data source, or is registered elsewhere with other options: a `ConfigurationError`.
   */
  static forFeature(entities: readonly AnyEntityReference[], options: EntityJobOptions = {}): DynamicModule {
    const { dataSource } = options;
    return repositoryModule<object>({
      module: AsyncCacheMikroOrmModule,
      feature: MikroOrmModule.forFeature([...entities] as never[], dataSource === 'default' ? undefined : dataSource),
      orm: MIKRO_ORM,
      entities,
      options,
      jobs: { get: EntityGetJob, filter: EntityFilterJob, count: EntityCountJob },
      repository: CachedRepository,
    });
  }
}
