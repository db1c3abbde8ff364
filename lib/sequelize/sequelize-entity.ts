import { EmptyResultError, type Sequelize, type Transaction } from 'sequelize';
import type { Arguments } from '../core/policy/policy.js';
import type { EntityModel } from '../orm/entity-model.js';
import type { EntitySource, ReadKind } from '../orm/entity-source.js';
import { toFindOptions, toPlainArguments } from './find-options.js';
import { modelsJoined } from './models-joined.js';
import type { SequelizeModel } from './sequelize-model.js';
import { StoredRows } from './stored-rows.js';

/** One model of one data source, as the cached reads of `orm/` need it. */
export class SequelizeEntity implements EntitySource<Transaction> {
  /** Rows are stored without their classes. */
  readonly types = [];
  readonly form: StoredRows;
  readonly #sequelize: Sequelize;

  constructor(readonly model: SequelizeModel) {
    this.#sequelize = model.model.sequelize as Sequelize;
    this.form = new StoredRows(this.#sequelize);
  }

  prepare(job: string, kind: ReadKind, args: Arguments): Arguments {
    return toPlainArguments(job, kind, this.model, args);
  }

  reached(args: Arguments): Iterable<EntityModel> {
    return modelsJoined(this.model, toFindOptions(this.#sequelize.models, args));
  }

  read(kind: ReadKind, args: Arguments, transaction?: Transaction): Promise<unknown> {
    const { model } = this.model;
    const options = { ...toFindOptions(this.#sequelize.models, args), ...(transaction && { transaction }) };
    if (kind === 'get') return model.findOne({ ...options, rejectOnEmpty: true });
    return kind === 'filter' ? model.findAll(options) : model.count(options);
  }

  isNotFound(error: unknown): boolean {
    return error instanceof EmptyResultError;
  }
}
