import type { EntityManager, MikroORM } from '@mikro-orm/core';

/**
 * An entity manager that nobody else has. A fork of the caller's would bring along its filters, their parameters, its
 * schema and its session, so that the rows of one tenant would be stored for all of them.
 */
export function ownEntityManager(orm: MikroORM): EntityManager {
  return orm.em.fork({ clear: true, useContext: false, disableContextResolution: true });
}
