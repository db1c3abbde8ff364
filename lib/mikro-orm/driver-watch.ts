import { type Collection, type EntityProperty, type MikroORM, type Type, types } from '@mikro-orm/core';
import { DatabaseWatch, type Write } from '../orm/database-watch.js';
import { MikroOrmModel } from './mikro-orm-model.js';

type Call = (...args: unknown[]) => Promise<unknown>;

/** What MikroORM gives to its driver with a write. */
interface Options {
  readonly ctx?: object;
  readonly upsert?: boolean;
  /** False where a flush writes rows, which it names by their keys. */
  readonly convertCustomTypes?: boolean;
}

/**
 * Watches a data source at its driver. Subscribers of MikroORM are told of a flush only, and not in every fork. Its driver
 * makes each write, and its connection each commit, so their methods are replaced on these two.
 * @param name the name of the data source.
 */
export function watchDriver(orm: MikroORM, name: string): DatabaseWatch<object> {
  const storage = orm.getMetadata();
  const models = (): MikroOrmModel[] => [...storage].map((metadata) => MikroOrmModel.of(metadata, storage, name));
  const watch = new DatabaseWatch<object>(`MikroORM (${name})`, models);
  const roots = new Roots();
  const modelOf = (entity: unknown): MikroOrmModel | undefined => {
    const metadata = storage.find(entity as never);
    return metadata && MikroOrmModel.of(metadata, storage, name);
  };
  const driver = orm.em.getDriver() as unknown as Record<string, Call>;
  for (const [method, describe] of Object.entries(describeWrites(modelOf))) {
    const original = driver[method]?.bind(driver) as Call;
    driver[method] = async (...args) => {
      const { written, options } = describe(...(args as never[]));
      const key = options?.ctx === undefined ? {} : roots.of(options.ctx);
      await watch.writing(key, written);
      const result = await original(...args);
      await watch.wrote(key, written);
      return result;
    };
  }
  watchTransactions(orm.em.getConnection('write') as unknown as Record<string, Call>, watch, roots);
  return watch;
}

/** The outermost transaction of each savepoint. */
class Roots {
  readonly #roots = new WeakMap<object, object>();

  of(transaction: object): object {
    return this.#roots.get(transaction) ?? transaction;
  }

  began(transaction: object, around: object): void {
    this.#roots.set(transaction, this.of(around));
  }
}

interface Described {
  readonly written: readonly Write[];
  readonly options: Options | undefined;
}

/** The methods of the driver that write, and what each call of them writes. */
function describeWrites(
  modelOf: (entity: unknown) => MikroOrmModel | undefined,
): Readonly<Record<string, (...args: never[]) => Described>> {
  const inserted = (entity: unknown, options?: Options): Described => {
    const model = modelOf(entity);
    return { written: model === undefined ? [] : [{ model, row: 'new' }], options };
  };
  /** Criteria and upserts do not say which rows; a flush does. */
  const wrote = (entity: unknown, where: readonly unknown[], options: Options = {}, removes = false): Described => {
    const model = modelOf(entity);
    if (model === undefined) return { written: [], options };
    const isByKeys = (options.convertCustomTypes === false || removes) && options.upsert !== true;
    const rows = isByKeys ? where.flatMap((each) => keysIn(model, each, removes)) : [undefined];
    return { written: rows.map((row) => ({ model, row, removes })), options };
  };
  return {
    nativeInsert: (entity: unknown, _data: unknown, options?: Options) => inserted(entity, options),
    nativeInsertMany: (entity: unknown, _data: unknown, options?: Options) => inserted(entity, options),
    nativeClone: (entity: unknown, _where: unknown, _data: unknown, options?: Options) => inserted(entity, options),
    nativeUpdate: (entity: unknown, where: unknown, _data: unknown, options?: Options) =>
      wrote(entity, [where], options),
    nativeUpdateMany: (entity: unknown, where: unknown[], _data: unknown, options?: Options) =>
      wrote(entity, where, options),
    nativeDelete: (entity: unknown, where: unknown, options?: Options) => wrote(entity, [where], options, true),
    /** Links between rows, and rows that a list was given. */
    syncCollections(collections: Iterable<Collection<object>>, options?: Options) {
      const written = [...collections].flatMap(({ property }) => {
        // MikroORM's types say that every property has one.
        const pivotEntity = property.pivotEntity as unknown;
        const model = modelOf(pivotEntity ?? property.targetMeta?.class);
        return model === undefined ? [] : [{ model }];
      });
      return { written, options };
    },
  };
}

function watchTransactions(connection: Record<string, Call>, watch: DatabaseWatch<object>, roots: Roots): void {
  const [begin, commit, rollback] = ['begin', 'commit', 'rollback'].map((name) => connection[name]?.bind(connection));
  connection['begin'] = async (...args) => {
    const transaction = (await begin?.(...args)) as object;
    const { ctx } = (args[0] ?? {}) as Options;
    if (ctx !== undefined) roots.began(transaction, ctx);
    watch.began(roots.of(transaction));
    return transaction;
  };
  connection['commit'] = (...args) => watch.commit(roots.of(args[0] as object), async () => commit?.(...args));
  connection['rollback'] = async (...args) => {
    try {
      await rollback?.(...args);
    } finally {
      watch.rolledBack(roots.of(args[0] as object));
    }
  };
}

/** Types whose keys are the same text in a row and in the database. */
const BUILT_IN: ReadonlySet<unknown> = new Set(Object.values(types));

/** The keys of the rows that a flush names: `1`, `{ id: 1 }`, `{ id: { $in: [1, 2] } }`. Undefined: any row. */
function keysIn({ metadata }: MikroOrmModel, where: unknown, removes: boolean): readonly (object | undefined)[] {
  const [key = ''] = metadata.primaryKeys;
  // A flush gives keys as the database has them, and rows have them as their type makes them.
  const type = (metadata.properties as Record<string, EntityProperty>)[key]?.customType as Type | undefined;
  if (type !== undefined && !BUILT_IN.has(type.constructor)) return [undefined];
  const one: unknown = typeof where === 'object' && where !== null ? Reflect.get(where, key) : where;
  const many: unknown = typeof one === 'object' && one !== null ? Reflect.get(one, '$in') : undefined;
  if (Array.isArray(many)) return many.map((each: unknown) => ({ [key]: each }));
  // A flush deletes by lists of keys, so this is a delete by criteria.
  if (removes) return [undefined];
  return [typeof where === 'object' && where !== null ? where : { [key]: one }];
}
