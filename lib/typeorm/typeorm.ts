import { getDataSourceToken } from '@nestjs/typeorm';
import { type DataSource, EntitySchema, type ObjectLiteral, type ObjectType } from 'typeorm';
import { ConfigurationError } from '../core/errors.js';
import type { Orm } from '../orm/orm.js';
import { watchDataSource } from './data-source-watch.js';
import { TypeOrmEntity } from './typeorm-entity.js';
import { TypeOrmModel } from './typeorm-model.js';

/** A class with `@Entity()`, or an `EntitySchema`. */
export type EntityReference<T extends ObjectLiteral> = ObjectType<T> | EntitySchema<T>;

/** TypeORM, as the shared code needs it. */
export const TYPEORM: Orm<EntityReference<ObjectLiteral>, DataSource> = {
  name: 'TypeORM',
  module: 'TypeOrmModule.forRoot',
  nameOf: (entity) => (entity instanceof EntitySchema ? entity.options.name : entity.name),
  tokenOf: (dataSource) => getDataSourceToken(dataSource) as string,
  connect(database, entity, { job, dataSource }) {
    if (!database.hasMetadata(entity)) {
      throw new ConfigurationError(
        `${job} reads ${TYPEORM.nameOf(entity)}, which the data source '${dataSource}' does not know`,
        'Add it to `entities` of TypeOrmModule.forRoot, or set autoLoadEntities: true there; the data source must be initialized',
        { job },
      );
    }
    return new TypeOrmEntity(database, TypeOrmModel.of(database.getMetadata(entity), dataSource));
  },
  watch: watchDataSource,
};
