import type { InjectionToken } from '@nestjs/common';
import { ConfigurationError } from '../core/errors.js';
import type { EntityJobOptions as SharedOptions, Orm } from '../orm/orm.js';
import { linkOf } from './client-link.js';
import { dataModelOf } from './data-model.js';
import { PrismaEntity } from './prisma-entity.js';

/** The options of a job, and where its model is. */
export interface EntityJobOptions<Client = unknown> extends SharedOptions {
  /** The token under which the application provides its client. */
  client: InjectionToken<Client>;
}

/** A model by its name. */
export interface ModelReference {
  /** The property of a client: `'user'`. */
  readonly property: string;
  readonly name: string;
}

const references = new Map<string, ModelReference>();

/** One object for each name, so that it can be the key of tokens. */
export function modelReference(model: string): ModelReference {
  const property = `${model.slice(0, 1).toLowerCase()}${model.slice(1)}`;
  const name = `${model.slice(0, 1).toUpperCase()}${model.slice(1)}`;
  const reference = references.get(name) ?? { property, name };
  references.set(name, reference);
  return reference;
}

/** Prisma, as the shared code needs it, with the client that an application provides under a token. */
export function prismaOf(client: InjectionToken): Orm<ModelReference, object> {
  const token = typeof client === 'function' ? client.name : String(client);
  return {
    name: 'Prisma',
    module: `a module that provides ${token}`,
    nameOf: ({ name }) => name,
    tokenOf: () => client,
    connect(database, { name, property }, { job, dataSource, needsWrites }) {
      const model = dataModelOf(database, dataSource).get(name);
      if (model === undefined) {
        throw new ConfigurationError(
          `${job} reads ${name}, which is no model of the client ${token}`,
          'Correct the name, or run `prisma generate`',
          { job },
        );
      }
      if (needsWrites && linkOf(database) === undefined) {
        throw new ConfigurationError(
          `${job} reads ${name} from the client ${token}, which reports no writes`,
          'Provide reportWrites(client) in its place, or set invalidate: false',
          { job },
        );
      }
      return new PrismaEntity(database, property, model);
    },
    watch: (database, dataSource) => linkOf(database)?.watch(dataSource, dataModelOf(database, dataSource)),
  };
}
