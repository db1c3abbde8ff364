import { isDeepStrictEqual } from 'node:util';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource, ObjectLiteral } from 'typeorm';
import { ConfigurationError } from '../core/errors.js';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { giveRuntime } from '../nest/runtime-of.js';
import { RUNTIME } from '../nest/tokens.js';
import { CachedRepository } from './cached-repository.js';
import { getCachedRepositoryToken } from './inject-cached-repository.js';
import { type EntityJobOptions, entityNameOf, type EntityReference } from './typeorm-job.js';

type Entity = EntityReference<ObjectLiteral>;

interface Registered {
  readonly repository: CachedRepository<ObjectLiteral>;
  readonly options: EntityJobOptions;
}

/** By application: two modules that register one entity share its repository. */
const registered = new WeakMap<object, Map<symbol, Registered>>();

/** Provides the cached repositories of entities. Import it where `TypeOrmModule.forFeature` would be imported. */
@Module({})
export class AsyncCacheTypeOrmModule {
  /**
   * A `CachedRepository` for each entity, injected by `InjectCachedRepository`. Registers the entities as
   * `TypeOrmModule.forFeature` does, whose repositories it exports as well. The application does not start when an
   * entity is unknown to the data source, or is registered elsewhere with other options: a `ConfigurationError`.
   */
  static forFeature(entities: readonly Entity[], options: EntityJobOptions = {}): DynamicModule {
    const { dataSource } = options;
    const orm = TypeOrmModule.forFeature([...entities], dataSource);
    return {
      module: AsyncCacheTypeOrmModule,
      imports: [orm],
      providers: entities.flatMap((entity) => providersOf(entity, options)),
      exports: [orm, ...entities.map((entity) => getCachedRepositoryToken(entity, dataSource))],
    };
  }
}

/** The repository, and its jobs, which are found among the providers as all jobs are. */
function providersOf(entity: Entity, options: EntityJobOptions): Provider[] {
  const token = getCachedRepositoryToken(entity, options.dataSource);
  return [
    {
      provide: token,
      inject: [getDataSourceToken(options.dataSource), { token: RUNTIME, optional: true }],
      useFactory: (dataSource: DataSource, runtime?: AsyncCacheRuntime) =>
        repositoryOf(token, entity, options, dataSource, runtime),
    },
    ...(['getJob', 'filterJob', 'countJob'] as const).map((job) => ({
      provide: Symbol(`${job} of ${entityNameOf(entity)}`),
      inject: [token],
      useFactory: (repository: CachedRepository<ObjectLiteral>) => repository[job],
    })),
  ];
}

function repositoryOf(
  token: symbol,
  entity: Entity,
  options: EntityJobOptions,
  dataSource: DataSource,
  runtime: AsyncCacheRuntime | undefined,
): CachedRepository<ObjectLiteral> {
  const ofApplication = registered.get(runtime ?? dataSource) ?? new Map<symbol, Registered>();
  registered.set(runtime ?? dataSource, ofApplication);
  const known = ofApplication.get(token);
  if (known !== undefined && !isDeepStrictEqual(known.options, options)) {
    throw new ConfigurationError(
      `Two modules register ${entityNameOf(entity)} with AsyncCacheTypeOrmModule.forFeature and different options`,
      'Register it in one module and export that, or give both the same options',
    );
  }
  const repository = known?.repository ?? new CachedRepository(entity, options, dataSource);
  ofApplication.set(token, { repository, options });
  const { getJob, filterJob, countJob } = repository;
  if (runtime !== undefined) for (const job of [getJob, filterJob, countJob]) giveRuntime(job, runtime);
  return repository;
}
