import { type Collection, type EntityProperty, type MikroORM, type Type, types } from '@mikro-orm/core';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { PerApplication } from '../orm/per-application.js';
import { WriteWatch } from '../orm/write-watch.js';
import { MikroOrmModel } from './mikro-orm-model.js';

type Call = (...args: unknown[]) => Promise<unknown>;

/** What MikroORM gives to its driver with a write. */
interface Options {
  readonly ctx?: object;
  readonly upsert?: boolean;
  /** False where a flush writes rows, which it names by their keys. */
  readonly convertCustomTypes?: boolean;
}

const watches = new PerApplication<MikroORM, DriverWatch>();

/**
 * What a data source tells of its writes and transactions. Subscribers of MikroORM are told of a flush only, and not in
 * every fork. Its driver makes each write, and its connection each commit, so their methods are replaced on these two.
 */
export class DriverWatch extends WriteWatch<object> {
  /** The outermost transaction of each savepoint. */
  readonly #roots = new WeakMap<object, object>();

  private constructor(
    runtime: AsyncCacheRuntime,
    private readonly orm: MikroORM,
    private readonly name: string,
  ) {
    super(
      runtime,
      `MikroORM (${name})`,
      () => [...orm.getMetadata()].map((metadata) => MikroOrmModel.of(metadata, orm.getMetadata(), name)),
      () => true,
    );
    const driver = orm.em.getDriver() as unknown as Record<string, Call>;
    const writes: Readonly<Record<string, (...args: never[]) => [readonly string[], Options | undefined]>> = {
      nativeInsert: (entity: unknown, _data: unknown, options?: Options) => [this.#inserted(entity), options],
      nativeClone: (entity: unknown, _where: unknown, _data: unknown, options?: Options) => [
        this.#inserted(entity),
        options,
      ],
      nativeInsertMany: (entity: unknown, _data: unknown, options?: Options) => [this.#inserted(entity), options],
      nativeUpdate: (entity: unknown, where: unknown, _data: unknown, options?: Options) => [
        this.#written(entity, [where], options),
        options,
      ],
      nativeUpdateMany: (entity: unknown, where: unknown[], _data: unknown, options?: Options) => [
        this.#written(entity, where, options),
        options,
      ],
      nativeDelete: (entity: unknown, where: unknown, options?: Options) => [
        this.#written(entity, [where], options, true),
        options,
      ],
      syncCollections: (collections: Iterable<Collection<object>>, options?: Options) => [
        [...collections].flatMap((each) => this.#linked(each)),
        options,
      ],
    };
    for (const [method, describe] of Object.entries(writes)) {
      const original = driver[method]?.bind(driver) as Call;
      driver[method] = (...args) => this.#write(() => original(...args), ...describe(...(args as never[])));
    }
    this.#watchTransactions(orm.em.getConnection('write') as unknown as Record<string, Call>);
  }

  /** The watch of an application over a data source, which begins with the first call. */
  static of(runtime: AsyncCacheRuntime, orm: MikroORM, name: string): DriverWatch {
    return watches.get(runtime, orm, () => new DriverWatch(runtime, orm, name));
  }

  async #write(run: () => Promise<unknown>, tags: readonly string[], options: Options = {}): Promise<unknown> {
    const key = options.ctx === undefined ? {} : this.#rootOf(options.ctx);
    await this.writes.writing(key, tags);
    const result = await run();
    await this.writes.wrote(key, tags);
    return result;
  }

  #watchTransactions(connection: Record<string, Call>): void {
    const [begin, commit, rollback] = ['begin', 'commit', 'rollback'].map((name) => connection[name]?.bind(connection));
    connection['begin'] = async (...args) => {
      const transaction = (await begin?.(...args)) as object;
      const { ctx } = (args[0] ?? {}) as Options;
      if (ctx !== undefined) this.#roots.set(transaction, this.#rootOf(ctx));
      this.writes.began(this.#rootOf(transaction));
      return transaction;
    };
    connection['commit'] = async (...args) => {
      const root = this.#rootOf(args[0] as object);
      await this.writes.committing(root);
      try {
        await commit?.(...args);
      } catch (error) {
        await this.writes.uncertain(root);
        throw error;
      }
      await this.writes.committed(root);
    };
    connection['rollback'] = async (...args) => {
      try {
        await rollback?.(...args);
      } finally {
        this.writes.rolledBack(this.#rootOf(args[0] as object));
      }
    };
  }

  #rootOf(transaction: object): object {
    return this.#roots.get(transaction) ?? transaction;
  }

  #inserted(entity: unknown): readonly string[] {
    const model = this.#modelOf(entity);
    return model === undefined ? [] : this.tagsOfNew(model);
  }

  /** Criteria and upserts do not say which rows; a flush does. */
  #written(entity: unknown, where: readonly unknown[], options: Options = {}, removes = false): readonly string[] {
    const model = this.#modelOf(entity);
    if (model === undefined) return [];
    const isFlush = options.convertCustomTypes === false || removes;
    const rows =
      isFlush && options.upsert !== true ? where.flatMap((each) => keysIn(model, each, removes)) : [undefined];
    return rows.flatMap((row) => this.tagsOf(model, row, removes));
  }

  /** Links between rows, and rows that a list was given. */
  #linked({ property }: Collection<object>): readonly string[] {
    // MikroORM's types say that every property has one.
    const pivotEntity = property.pivotEntity as unknown;
    const model = this.#modelOf(pivotEntity ?? property.targetMeta?.class);
    return model === undefined ? [] : this.tagsOf(model);
  }

  #modelOf(entity: unknown): MikroOrmModel | undefined {
    const storage = this.orm.getMetadata();
    const metadata = storage.find(entity as never);
    return metadata && MikroOrmModel.of(metadata, storage, this.name);
  }
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
