import { EntityJob } from '../orm/entity-job.js';
import type { EntityArgs, EntityValue } from './delegate.js';
import { type EntityJobOptions, modelReference, prismaOf } from './prisma.js';

/** Reads the rows of a model that match. Give it to Nest as a value, or extend it. */
export class EntityFilterJob<Delegate> extends EntityJob {
  /**
   * @param model the property of the client: `'user'`.
   * @param database the client, where it is known already; else that of the application is looked up by its token.
   */
  constructor(model: string, { client, ...options }: EntityJobOptions, database?: object) {
    super(prismaOf(client), 'filter', modelReference(model), options, new.target, database);
  }

  fetch(args?: EntityArgs<Delegate, 'filter'>): Promise<EntityValue<Delegate, 'filter'>> {
    return this.fetchRows(args) as Promise<EntityValue<Delegate, 'filter'>>;
  }

  /** The same as `get`. */
  filter(args?: EntityArgs<Delegate, 'filter'>): Promise<EntityValue<Delegate, 'filter'>> {
    return (this as EntityFilterJob<Delegate>).get(args);
  }
}
