import { type DataSource, EntityNotFoundError, type QueryRunner } from 'typeorm';
import type { Arguments } from '../core/policy/policy.js';
import type { ValueTypeOption } from '../core/value/value-types.js';
import type { EntityModel } from '../orm/entity-model.js';
import type { EntitySource, ReadKind } from '../orm/entity-source.js';
import { modelsReached } from '../orm/read-dependencies.js';
import { entityClasses } from './entity-classes.js';
import { toFindOptions, toPlainArguments } from './find-options.js';
import type { TypeOrmModel } from './typeorm-model.js';

/** One entity of one data source, as the cached reads of `orm/` need it. */
export class TypeOrmEntity implements EntitySource<QueryRunner> {
  readonly types: readonly ValueTypeOption[];

  constructor(
    private readonly dataSource: DataSource,
    readonly model: TypeOrmModel,
  ) {
    this.types = entityClasses(model.metadata, model.dataSource);
  }

  prepare(job: string, kind: ReadKind, args: Arguments): Arguments {
    return toPlainArguments(job, kind, args);
  }

  reached(args: Arguments): Iterable<EntityModel> {
    const { where, order } = toFindOptions(args);
    return modelsReached(this.model, where, order);
  }

  read(kind: ReadKind, args: Arguments, transaction?: QueryRunner): Promise<unknown> {
    const { manager } = transaction ?? this.dataSource;
    const { target } = this.model.metadata;
    const options = toFindOptions(args);
    if (kind === 'get') return manager.findOneOrFail(target, options);
    return kind === 'filter' ? manager.find(target, options) : manager.count(target, options);
  }

  isNotFound(error: unknown): boolean {
    return error instanceof EntityNotFoundError;
  }

  rowOfId(id: unknown): unknown {
    return this.model.metadata.ensureEntityIdMap(id);
  }
}
