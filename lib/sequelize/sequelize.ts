import { getConnectionToken } from '@nestjs/sequelize';
import type { Model, ModelStatic, Sequelize } from 'sequelize';
import { ConfigurationError } from '../core/errors.js';
import type { Orm } from '../orm/orm.js';
import { SequelizeEntity } from './sequelize-entity.js';
import { SequelizeModel } from './sequelize-model.js';
import { watchSequelize } from './sequelize-watch.js';

/** A model class. */
export type ModelReference<M extends Model> = ModelStatic<M>;

/** Sequelize, as the shared code needs it. */
export const SEQUELIZE: Orm<ModelReference<Model>, Sequelize> = {
  name: 'Sequelize',
  module: 'SequelizeModule.forRoot',
  nameOf: ({ name }) => name,
  tokenOf: (dataSource) => getConnectionToken(dataSource) as string,
  connect(sequelize, model, { job, dataSource }) {
    if (!Object.values(sequelize.models).includes(model)) {
      throw new ConfigurationError(
        `${job} reads ${model.name}, which the data source '${dataSource}' does not know`,
        'Add it to `models` of SequelizeModule.forRoot, or set autoLoadModels: true there',
        { job },
      );
    }
    return new SequelizeEntity(SequelizeModel.of(model, dataSource));
  },
  watch: watchSequelize,
};
