import type { MikroORM } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { type DynamicModule, Module } from '@nestjs/common';
import type { EntityJobOptions } from '../orm/orm.js';
import { repositoryModule } from '../orm/repository-module.js';
import { CachedRepository } from './cached-repository.js';
import { type AnyEntityReference, type EntityReference, MIKRO_ORM } from './mikro-orm.js';

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
    return repositoryModule<object, MikroORM>({
      module: AsyncCacheMikroOrmModule,
      feature: MikroOrmModule.forFeature([...entities] as never[], dataSource === 'default' ? undefined : dataSource),
      orm: MIKRO_ORM,
      entities,
      options,
      make: (entity, given, orm) => new CachedRepository(entity as EntityReference<object>, given, orm),
    });
  }
}
