import { isDeepStrictEqual } from 'node:util';
import type { DynamicModule, ModuleMetadata, Provider, Type } from '@nestjs/common';
import { ConfigurationError } from '../core/errors.js';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { giveRuntime } from '../nest/runtime-of.js';
import { RUNTIME } from '../nest/tokens.js';
import type { EntityJob } from './entity-job.js';
import type { EntityReads } from './entity-reads.js';
import type { ReadKind } from './entity-source.js';
import type { EntityJobOptions, Orm } from './orm.js';
import { PerOwner } from './per-owner.js';
import { repositoryToken } from './repository-token.js';

type Reads = EntityReads<EntityJob, EntityJob, EntityJob>;
type JobClass = new (entity: never, options: never, database: never) => EntityJob;

interface Registered {
  readonly repository: Reads;
  readonly options: EntityJobOptions;
}

/** What an adapter's `forFeature` provides. */
export interface RepositoryModule<Entity extends object> {
  readonly module: Type;
  /** The ORM's own `forFeature`, if it has one. It is exported as well. */
  readonly feature?: DynamicModule | undefined;
  /** Modules that provide the database. */
  readonly imports?: ModuleMetadata['imports'];
  readonly orm: Orm<Entity, never>;
  readonly jobs: Readonly<Record<ReadKind, JobClass>>;
  readonly repository: new (get: never, filter: never, count: never) => Reads;
  readonly entities: readonly Entity[];
  readonly options: EntityJobOptions;
  /** What jobs take for an entity. *Default:* the entity. */
  reference?(entity: Entity): unknown;
  /** Options of the jobs that are not those of all ORMs. */
  readonly ownOptions?: object;
}

/** Two modules that register one entity share its repository. */
const registered = new PerOwner<symbol, Registered>();

/** The module of the cached repositories of entities. */
export function repositoryModule<Entity extends object>(plan: RepositoryModule<Entity>): DynamicModule {
  const { module, feature, entities } = plan;
  const orm = feature === undefined ? [] : [feature];
  return {
    module,
    imports: [...orm, ...(plan.imports ?? [])],
    providers: entities.flatMap((entity) => providersOf(plan, entity)),
    exports: [...orm, ...entities.map((entity) => tokenOf(plan, entity))],
  };
}

function tokenOf<Entity extends object>({ orm, options }: RepositoryModule<Entity>, entity: Entity): symbol {
  return repositoryToken(entity, orm.nameOf(entity), options.dataSource);
}

/** The repository, and its jobs, which are found among the providers as all jobs are. */
function providersOf<Entity extends object>(plan: RepositoryModule<Entity>, entity: Entity): Provider[] {
  const { orm, options } = plan;
  const token = tokenOf(plan, entity);
  return [
    {
      provide: token,
      inject: [orm.tokenOf(options.dataSource ?? 'default'), { token: RUNTIME, optional: true }],
      useFactory: (database: object, runtime?: AsyncCacheRuntime) => repositoryOf(plan, entity, database, runtime),
    },
    ...(['getJob', 'filterJob', 'countJob'] as const).map((job) => ({
      provide: Symbol(`${job} of ${orm.nameOf(entity)}`),
      inject: [token],
      useFactory: (repository: Reads) => repository[job],
    })),
  ];
}

function repositoryOf<Entity extends object>(
  plan: RepositoryModule<Entity>,
  entity: Entity,
  database: object,
  runtime: AsyncCacheRuntime | undefined,
): Reads {
  const { orm, module, options } = plan;
  const known = registered.get(runtime ?? database, tokenOf(plan, entity), () => ({
    repository: makeRepository(plan, entity, database),
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

function makeRepository<Entity extends object>(
  plan: RepositoryModule<Entity>,
  entity: Entity,
  database: object,
): Reads {
  const { jobs, repository: Repository, options, ownOptions } = plan;
  const { name } = options;
  const reference: unknown = plan.reference === undefined ? entity : plan.reference(entity);
  const make = (kind: ReadKind): never => {
    // With a `name` each job has one of its own.
    const named = name === undefined ? options : { ...options, name: `${name}.${kind}` };
    return new jobs[kind](reference as never, { ...named, ...ownOptions } as never, database as never) as never;
  };
  return new Repository(make('get'), make('filter'), make('count'));
}
