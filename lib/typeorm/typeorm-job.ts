import { getDataSourceToken } from '@nestjs/typeorm';
import { type DataSource, EntitySchema, type ObjectLiteral, type ObjectType } from 'typeorm';
import { ConfigurationError } from '../core/errors.js';
import type { JobOptions } from '../core/policy/job-options.js';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { EntityJob } from '../orm/entity-job.js';
import type { ReadKind } from '../orm/entity-source.js';
import { DataSourceWatch } from './data-source-watch.js';
import { TypeOrmEntity } from './typeorm-entity.js';

/** A class with `@Entity()`, or an `EntitySchema`. */
export type EntityReference<T extends ObjectLiteral> = ObjectType<T> | EntitySchema<T>;

/** The options of a job, and where its entity is. */
export interface EntityJobOptions extends JobOptions {
  /** Name of the data source. *Default:* `'default'`. */
  dataSource?: string;
  /** False: writes of the entity invalidate nothing, so its reads are as old as their ttl lets them be. *Default:* true. */
  invalidate?: boolean;
  /**
   * False: each reader gets rows of its own, which it may change and save. True: readers share frozen rows, which costs
   * nothing. *Default:* false.
   */
  readOnly?: boolean;
}

/** A cached read of an entity of a data source of TypeORM. */
export abstract class TypeOrmJob<T extends ObjectLiteral> extends EntityJob {
  readonly #entity: EntityReference<T>;
  readonly #place: Required<Pick<EntityJobOptions, 'dataSource' | 'invalidate'>>;
  readonly #given: DataSource | undefined;

  /** @param given the data source, where it is known already; else that of the application is looked up by its name. */
  protected constructor(
    kind: ReadKind,
    entity: EntityReference<T>,
    { dataSource = 'default', invalidate = true, ...options }: EntityJobOptions,
    cls: { readonly name: string },
    given?: DataSource,
  ) {
    const isSubclass = Object.getPrototypeOf(cls) !== TypeOrmJob;
    super(kind, options.name ?? (isSubclass ? cls.name : `${dataSource}.${entityNameOf(entity)}.${kind}`), options);
    this.#entity = entity;
    this.#place = { dataSource, invalidate };
    this.#given = given;
  }

  protected override connect(runtime: AsyncCacheRuntime | undefined): TypeOrmEntity {
    const { dataSource: name, invalidate } = this.#place;
    const entity = entityNameOf(this.#entity);
    const dataSource = this.#given ?? (runtime?.provided(getDataSourceToken(name)) as DataSource | undefined);
    if (dataSource === undefined) {
      throw new ConfigurationError(
        `${this.name} reads ${entity} from the data source '${name}', which this application does not have`,
        'Import TypeOrmModule.forRoot and AsyncCacheModule.forRoot, or correct the option dataSource',
        { job: this.name },
      );
    }
    if (!dataSource.hasMetadata(this.#entity)) {
      throw new ConfigurationError(
        `${this.name} reads ${entity}, which the data source '${name}' does not know`,
        'Add it to `entities` of TypeOrmModule.forRoot, or set autoLoadEntities: true there; the data source must be initialized',
        { job: this.name },
      );
    }
    const metadata = dataSource.getMetadata(this.#entity);
    const watch = runtime?.enabled === true ? DataSourceWatch.of(runtime, dataSource, name) : undefined;
    if (!invalidate) watch?.exempt(metadata);
    return new TypeOrmEntity(dataSource, metadata, name, watch);
  }
}

export function entityNameOf(entity: EntityReference<ObjectLiteral>): string {
  return entity instanceof EntitySchema ? entity.options.name : entity.name;
}
