import { ConfigurationError } from '../core/errors.js';
import { PerOwner } from '../orm/per-owner.js';
import { type DataModel, PrismaModel, type RuntimeField } from './prisma-model.js';
import { readModels } from './schema-text.js';

interface RuntimeDataModel {
  readonly models: Readonly<Record<string, { readonly fields: readonly RuntimeField[] }>>;
}

interface ClientInternals {
  readonly _runtimeDataModel?: RuntimeDataModel;
  readonly _engineConfig?: { readonly inlineSchema?: string };
}

const known = new PerOwner<string, DataModel>();

/**
 * The models that a client was generated with. At run time Prisma keeps the fields, and the text of the schema beside
 * them, which has the keys. Throws a `ConfigurationError` for what is no client.
 */
export function dataModelOf(client: object, dataSource: string): DataModel {
  const { _runtimeDataModel: runtime, _engineConfig: engine } = client as ClientInternals;
  if (runtime === undefined) {
    throw new ConfigurationError('What was given as a client of Prisma is none', 'Give a PrismaClient of Prisma 7');
  }
  return known.get(runtime, dataSource, () => makeModels(runtime, engine?.inlineSchema ?? '', dataSource));
}

function makeModels({ models: given }: RuntimeDataModel, schema: string, dataSource: string): DataModel {
  const texts = readModels(schema);
  const models = new Map<string, PrismaModel>();
  for (const [name, { fields }] of Object.entries(given)) {
    models.set(name, new PrismaModel(name, dataSource, fields, texts.get(name), models));
  }
  return models;
}
