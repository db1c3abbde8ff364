import { CountJob } from '../orm/count-job.js';
import type { EntityArgs } from './delegate.js';
import { type EntityJobOptions, modelReference, prismaOf } from './prisma.js';

/** Counts the rows of a model that match. */
export class EntityCountJob<Delegate> extends CountJob<[args?: EntityArgs<Delegate, 'count'>]> {
  /**
   * @param model the property of the client: `'user'`.
   * @param database the client, where it is known already; else that of the application is looked up by its token.
   */
  constructor(model: string, { client, ...options }: EntityJobOptions, database?: object) {
    super(prismaOf(client), modelReference(model), options, database);
  }
}
