import { EntityJob } from '../orm/entity-job.js';
import type { EntityArgs } from './delegate.js';
import { type EntityJobOptions, modelReference, prismaOf } from './prisma.js';

/** Counts the rows of a model that match. */
export class EntityCountJob<Delegate> extends EntityJob {
  /**
   * @param model the property of the client: `'user'`.
   * @param database the client, where it is known already; else that of the application is looked up by its token.
   */
  constructor(model: string, { client, ...options }: EntityJobOptions, database?: object) {
    super(prismaOf(client), 'count', modelReference(model), options, new.target, database);
  }

  fetch(args?: EntityArgs<Delegate, 'count'>): Promise<number> {
    return this.fetchRows(args) as Promise<number>;
  }
}
