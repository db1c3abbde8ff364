import type { DataSource, FindOneOptions, FindOptionsWhere, ObjectLiteral } from 'typeorm';
import { GetJob } from '../orm/get-job.js';
import type { EntityJobOptions } from '../orm/orm.js';
import { type EntityReference, TYPEORM } from './typeorm.js';

/** Conditions as TypeORM takes them; a list means that one of them is enough. */
export type Where<T> = FindOptionsWhere<T> | FindOptionsWhere<T>[];
/** Options of TypeORM's `findOneOrFail`, without those that make no sense for a cached read. */
export type GetOptions<T> = Omit<FindOneOptions<T>, 'where' | 'cache' | 'lock' | 'transaction'>;

/**
 * Reads one row of an entity. Without such a row a read rejects with TypeORM's `EntityNotFoundError`, which is not
 * cached. Give it to Nest as a value, `new EntityGetJob(User)`, or extend it.
 */
export class EntityGetJob<T extends ObjectLiteral> extends GetJob<[where: Where<T>, options?: GetOptions<T>], T> {
  /** @param dataSource where it is known already; else that of the application is looked up by its name. */
  constructor(entity: EntityReference<T>, options: EntityJobOptions = {}, dataSource?: DataSource) {
    super(TYPEORM, entity, options, dataSource);
  }
}
