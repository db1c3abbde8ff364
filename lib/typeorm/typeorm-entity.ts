import { type DataSource, EntityNotFoundError, type EntityMetadata, type QueryRunner } from 'typeorm';
import type { Arguments } from '../core/policy/policy.js';
import type { ValueTypeOption } from '../core/value/value-types.js';
import type { EntitySource, ReadKind } from '../orm/entity-source.js';
import type { DataSourceWatch } from './data-source-watch.js';
import { entityClasses } from './entity-classes.js';
import { EntityTags } from './entity-tags.js';
import { toFindOptions, toPlainArguments } from './find-options.js';
import { entitiesReached, isByUniqueColumns } from './read-dependencies.js';

/** One entity of one data source, as the cached reads of `orm/` need it. */
export class TypeOrmEntity implements EntitySource<QueryRunner> {
  readonly types: readonly ValueTypeOption[];
  readonly #tags: EntityTags;

  /** @param watch undefined without `AsyncCacheModule`: then every read goes to the database, outside of transactions. */
  constructor(
    private readonly dataSource: DataSource,
    private readonly metadata: EntityMetadata,
    dataSourceName: string,
    private readonly watch: DataSourceWatch | undefined,
  ) {
    this.#tags = new EntityTags(dataSourceName);
    this.types = entityClasses(metadata, dataSourceName);
  }

  prepare(job: string, kind: ReadKind, args: Arguments): Arguments {
    return toPlainArguments(job, kind, args);
  }

  read(kind: ReadKind, args: Arguments, transaction?: QueryRunner): Promise<unknown> {
    const { manager } = transaction ?? this.dataSource;
    const { target } = this.metadata;
    const options = toFindOptions(args);
    if (kind === 'get') return manager.findOneOrFail(target, options);
    return kind === 'filter' ? manager.find(target, options) : manager.count(target, options);
  }

  isNotFound(error: unknown): boolean {
    return error instanceof EntityNotFoundError;
  }

  tagsOf(kind: ReadKind, args: Arguments, value: unknown): readonly string[] {
    const [where, rest] = args;
    const mayMatchOthers = kind !== 'get' || !isByUniqueColumns(this.metadata, where);
    const reached = [...entitiesReached(this.metadata, toFindOptions([where, rest]))];
    const depending = mayMatchOthers ? [this.metadata, ...reached] : reached;
    const rows: readonly unknown[] = Array.isArray(value) ? value : typeof value === 'object' && value ? [value] : [];
    return [
      this.#tags.namesOf(this.metadata).entity,
      ...depending.flatMap((metadata) => this.#tags.dependingOn(metadata)),
      ...(kind === 'count' ? [] : this.#tags.rowsOf(this.metadata, rows)),
    ];
  }

  tagsOfWrite(id?: unknown): readonly string[] {
    if (id === undefined) return this.#tags.written(this.metadata, undefined);
    return this.#tags.written(this.metadata, this.metadata.ensureEntityIdMap(id));
  }

  openTransaction(): QueryRunner | undefined {
    return this.watch?.transactions.current();
  }
}
