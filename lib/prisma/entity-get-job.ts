import { GetJob } from '../orm/get-job.js';
import type { EntityArgs, EntityValue } from './delegate.js';
import { type EntityJobOptions, modelReference, prismaOf } from './prisma.js';

/**
 * Reads one row of a model. Without such a row a read rejects with Prisma's own error `P2025`, which is not cached. Give
 * it to Nest as a value, `new EntityGetJob<PrismaClient['user']>('user', { client: PrismaService })`, or extend it.
 */
export class EntityGetJob<Delegate> extends GetJob<[args: EntityArgs<Delegate, 'get'>], EntityValue<Delegate, 'get'>> {
  /**
   * @param model the property of the client: `'user'`.
   * @param database the client, where it is known already; else that of the application is looked up by its token.
   */
  constructor(model: string, { client, ...options }: EntityJobOptions, database?: object) {
    super(prismaOf(client), modelReference(model), options, database);
  }
}
