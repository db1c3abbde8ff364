import { type EntityManager, type MikroORM, NotFoundError } from '@mikro-orm/core';
import type { Arguments } from '../core/policy/policy.js';
import type { EntityModel } from '../orm/entity-model.js';
import type { EntitySource, ReadKind } from '../orm/entity-source.js';
import { modelsReached } from '../orm/read-dependencies.js';
import { toFindOptions, toPlainArguments } from './find-options.js';
import type { MikroOrmModel } from './mikro-orm-model.js';
import { ownEntityManager } from './own-entity-manager.js';
import { StoredEntities } from './stored-entities.js';

/** One entity of one data source, as the cached reads of `orm/` need it. */
export class MikroOrmEntity implements EntitySource<EntityManager> {
  /** Rows are stored without their classes. */
  readonly types = [];
  readonly form: StoredEntities;

  constructor(
    private readonly orm: MikroORM,
    readonly model: MikroOrmModel,
  ) {
    this.form = new StoredEntities(orm);
  }

  prepare(job: string, kind: ReadKind, args: Arguments): Arguments {
    return toPlainArguments(job, kind, this.model, args);
  }

  reached(args: Arguments): Iterable<EntityModel> {
    const [where, { orderBy, populateWhere }] = toFindOptions(args);
    return modelsReached(this.model, where, orderBy, populateWhere);
  }

  /** Outside of a transaction in an entity manager of its own, so that what the caller's has already read is not found. */
  async read(kind: ReadKind, args: Arguments, transaction?: EntityManager): Promise<unknown> {
    const em = transaction ?? ownEntityManager(this.orm);
    const entity = this.model.metadata.class;
    const [where, options] = toFindOptions(args);
    if (kind === 'get') return em.findOneOrFail(entity, where, options);
    return kind === 'filter' ? em.find(entity, where, options) : em.count(entity, where, options);
  }

  isNotFound(error: unknown): boolean {
    return error instanceof NotFoundError;
  }

  /** MikroORM knows by itself in which transaction the caller is. */
  openTransaction(): EntityManager | undefined {
    const em = this.orm.em.getContext(false);
    return em.isInTransaction() ? em : undefined;
  }
}
