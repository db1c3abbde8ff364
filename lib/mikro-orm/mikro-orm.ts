import { type EntityName, MikroORM, Utils } from '@mikro-orm/core';
import { getMikroORMToken } from '@mikro-orm/nestjs';
import { ConfigurationError } from '../core/errors.js';
import type { Orm } from '../orm/orm.js';
import { watchDriver } from './driver-watch.js';
import { MikroOrmEntity } from './mikro-orm-entity.js';
import { MikroOrmModel } from './mikro-orm-model.js';

/** A class, an `EntitySchema`, or what `defineEntity` returns. */
export type EntityReference<T extends object> = EntityName<T>;

/** The same for an entity of any type, which MikroORM has no name for. */
export type AnyEntityReference = (abstract new (...args: never[]) => object) | { readonly meta: object };

/** MikroORM, as the shared code needs it. */
export const MIKRO_ORM: Orm<object, MikroORM> = {
  name: 'MikroORM',
  module: 'MikroOrmModule.forRoot',
  nameOf: (entity) => Utils.className(entity as EntityReference<object>),
  tokenOf: (dataSource) => (dataSource === 'default' ? MikroORM : getMikroORMToken(dataSource)),
  connect(orm, entity, { job, dataSource }) {
    const metadata = orm.getMetadata().find(entity as EntityReference<object>);
    if (metadata === undefined) {
      throw new ConfigurationError(
        `${job} reads ${MIKRO_ORM.nameOf(entity)}, which the data source '${dataSource}' does not know`,
        'Add it to `entities` of MikroOrmModule.forRoot, or set autoLoadEntities: true there',
        { job },
      );
    }
    return new MikroOrmEntity(orm, MikroOrmModel.of(metadata, orm.getMetadata(), dataSource));
  },
  watch: watchDriver,
};
