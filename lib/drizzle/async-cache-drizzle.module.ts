import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { repositoryModule } from '../orm/repository-module.js';
import { CachedTable } from './cached-table.js';
import { EntityCountJob } from './entity-count-job.js';
import { EntityFilterJob } from './entity-filter-job.js';
import { EntityGetJob } from './entity-get-job.js';
import { drizzleOf, type EntityJobOptions, tableReference } from './drizzle.js';

/** The options of the jobs, and where the database is. */
export interface CachedTableOptions extends EntityJobOptions {
  /** The module that provides the database, unless it is global. */
  imports?: ModuleMetadata['imports'];
}

/** Provides the cached reads of tables. Import it where they are used. */
@Module({})
export class AsyncCacheDrizzleModule {
  /**
   * A `CachedTable` for each table (`'users'` for `db.query.users`), injected by `InjectCachedTable`. The application
   * does not start when the database has no such table, or when a table is registered elsewhere with other options: a
   * `ConfigurationError`.
   */
  static forFeature(
    tables: readonly string[],
    { imports = [], database, ...options }: CachedTableOptions,
  ): DynamicModule {
    return repositoryModule({
      module: AsyncCacheDrizzleModule,
      orm: drizzleOf(database),
      entities: tables.map(tableReference),
      options,
      jobs: { get: EntityGetJob, filter: EntityFilterJob, count: EntityCountJob },
      repository: CachedTable,
      imports,
      reference: ({ name }) => name,
      ownOptions: { database },
    });
  }
}
