import { isDeepStrictEqual } from 'node:util';
import type { DynamicModule, Provider, Type } from '@nestjs/common';
import { ConfigurationError } from '../core/errors.js';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { giveRuntime } from '../nest/runtime-of.js';
import { RUNTIME } from '../nest/tokens.js';
import type { CachedReads } from './cached-reads.js';
import type { EntityJob } from './entity-job.js';
import type { EntityJobOptions, Orm } from './orm.js';
import { PerApplication } from './per-application.js';
import { repositoryToken } from './repository-token.js';

type Reads = Pick<CachedReads<EntityJob, EntityJob, EntityJob>, 'getJob' | 'filterJob' | 'countJob'>;

interface Registered {
  readonly repository: Reads;
  readonly options: EntityJobOptions;
}

/** How an adapter makes a repository, and the dynamic module that provides it. */
export interface RepositoryModule<Entity extends object, Database extends object> {
  readonly module: Type;
  /** The ORM's own `forFeature`, if it has one. It is exported as well. */
  readonly feature?: DynamicModule | undefined;
  readonly orm: Orm<Entity, Database>;
  readonly entities: readonly Entity[];
  readonly options: EntityJobOptions;
  make(entity: Entity, options: EntityJobOptions, database: Database): Reads;
}

/** Two modules that register one entity share its repository. */
const registered = new PerApplication<symbol, Registered>();

/** The module of the cached repositories of entities. */
export function repositoryModule<Entity extends object, Database extends object>(
  plan: RepositoryModule<Entity, Database>,
): DynamicModule {
  const { module, feature, entities } = plan;
  const orm = feature === undefined ? [] : [feature];
  return {
    module,
    imports: orm,
    providers: entities.flatMap((entity) => providersOf(plan, entity)),
    exports: [...orm, ...entities.map((entity) => tokenOf(plan, entity))],
  };
}

function tokenOf<Entity extends object>({ orm, options }: RepositoryModule<Entity, never>, entity: Entity): symbol {
  return repositoryToken(entity, orm.nameOf(entity), options.dataSource);
}

/** The repository, and its jobs, which are found among the providers as all jobs are. */
function providersOf<Entity extends object, Database extends object>(
  plan: RepositoryModule<Entity, Database>,
  entity: Entity,
): Provider[] {
  const { orm, options } = plan;
  const token = tokenOf(plan, entity);
  return [
    {
      provide: token,
      inject: [orm.tokenOf(options.dataSource ?? 'default'), { token: RUNTIME, optional: true }],
      useFactory: (database: Database, runtime?: AsyncCacheRuntime) => repositoryOf(plan, entity, database, runtime),
    },
    ...(['getJob', 'filterJob', 'countJob'] as const).map((job) => ({
      provide: Symbol(`${job} of ${orm.nameOf(entity)}`),
      inject: [token],
      useFactory: (repository: Reads) => repository[job],
    })),
  ];
}

function repositoryOf<Entity extends object, Database extends object>(
  plan: RepositoryModule<Entity, Database>,
  entity: Entity,
  database: Database,
  runtime: AsyncCacheRuntime | undefined,
): Reads {
  const { orm, module, options } = plan;
  const known = registered.get(runtime ?? database, tokenOf(plan, entity), () => ({
    repository: plan.make(entity, options, database),
    options,
  }));
  if (!isDeepStrictEqual(known.options, options)) {
    throw new ConfigurationError(
      `Two modules register ${orm.nameOf(entity)} with ${module.name}.forFeature and different options`,
      'Register it in one module and export that, or give both the same options',
    );
  }
  const { getJob, filterJob, countJob } = known.repository;
  if (runtime !== undefined) for (const job of [getJob, filterJob, countJob]) giveRuntime(job, runtime);
  return known.repository;
}
