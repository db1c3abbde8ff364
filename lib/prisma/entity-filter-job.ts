import { FilterJob } from '../orm/filter-job.js';
import type { EntityArgs, EntityValue } from './delegate.js';
import { type EntityJobOptions, modelReference, prismaOf } from './prisma.js';

/** Reads the rows of a model that match. Give it to Nest as a value, or extend it. */
export class EntityFilterJob<Delegate> extends FilterJob<
  [args?: EntityArgs<Delegate, 'filter'>],
  EntityValue<Delegate, 'filter'>
> {
  /**
   * @param model the property of the client: `'user'`.
   * @param database the client, where it is known already; else that of the application is looked up by its token.
   */
  constructor(model: string, { client, ...options }: EntityJobOptions, database?: object) {
    super(prismaOf(client), modelReference(model), options, database);
  }
}
