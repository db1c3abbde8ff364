import type { Reading } from '../core/job/job.js';
import type { JobOptions, OnError } from '../core/policy/job-options.js';
import type { Arguments } from '../core/policy/policy.js';
import { AsyncCacheJob, type JobArguments, type JobValue } from '../nest/async-cache-job.js';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { DERIVED_OPTIONS } from '../nest/attribute-options.js';
import { runtimeOf } from '../nest/runtime-of.js';
import type { EntitySource, ReadKind } from './entity-source.js';

/** A cached read of an entity. Adapters give it the types of their ORM and its `fetch`. */
export abstract class EntityJob extends AsyncCacheJob {
  #source: EntitySource | undefined;

  protected constructor(
    protected readonly kind: ReadKind,
    /** Of a job that is not subclassed: names the data source, the entity and the read. */
    public name: string,
    private readonly options: JobOptions,
  ) {
    super();
  }

  /** The entity in the data source of this application. Throws a `ConfigurationError` when it is unknown there. */
  protected abstract connect(runtime: AsyncCacheRuntime | undefined): EntitySource;

  protected get source(): EntitySource {
    if (this.#source !== undefined) return this.#source;
    const runtime = runtimeOf(this);
    const source = this.connect(runtime);
    if (runtime !== undefined) this.#source = source;
    return source;
  }

  override get(...args: JobArguments<this>): Promise<JobValue<this>> {
    return this.#inTransaction(args) ?? super.get(...args);
  }

  override async read(...args: JobArguments<this>): Promise<Reading<JobValue<this>>> {
    const reading = this.#inTransaction(args);
    if (reading === undefined) return super.read(...args);
    return { value: await reading, status: 'miss', age: 0, refreshing: false };
  }

  override refresh(...args: JobArguments<this>): Promise<JobValue<this>> {
    return this.#inTransaction(args) ?? super.refresh(...args);
  }

  override async getMany(argsList: readonly JobArguments<this>[]): Promise<JobValue<this>[]> {
    if (this.source.openTransaction() === undefined) return super.getMany(argsList);
    const values: JobValue<this>[] = [];
    // One after the other: they are on one connection.
    for (const args of argsList) values.push(await this.get(...args));
    return values;
  }

  /** Makes stale what a write of the row with this id would; without an id every read of the entity. */
  async invalidateRows(id?: unknown): Promise<void> {
    const runtime = runtimeOf(this);
    if (runtime?.enabled === true) await runtime.cache.invalidateTags(this.source.tagsOfWrite(id));
  }

  /** Options and attributes of subclasses, with what follows from the entity. */
  [DERIVED_OPTIONS](attributes: JobOptions): JobOptions {
    const given = { ...this.options, ...attributes };
    const { kind, source } = this;
    const name = given.name ?? this.constructor.name;
    const { prepareArgs, tags } = given;
    return {
      ...given,
      readOnly: given.readOnly ?? false,
      // A row that is gone must not be served as a stale one for as long as the grace lasts.
      onError: given.onError ?? ((error): OnError => (source.isNotFound(error) ? 'delete' : 'stale')),
      types: [...source.types.filter((type) => !isDescribed(given.types ?? [], type)), ...(given.types ?? [])],
      prepareArgs: (...args) =>
        source.prepare(name, kind, prepareArgs === undefined ? args : Reflect.apply(prepareArgs, this, args)),
      tags: (value, ...args) => {
        const own = typeof tags === 'function' ? Reflect.apply(tags, this, [value, ...args]) : (tags ?? []);
        return [...new Set([...source.tagsOf(kind, args, value), ...own])];
      },
    };
  }

  /** A read inside of a transaction sees what the transaction wrote, and nothing of it may reach other readers. */
  #inTransaction(args: Arguments): Promise<JobValue<this>> | undefined {
    const { source } = this;
    const transaction = source.openTransaction();
    if (transaction === undefined) return undefined;
    return (async () => {
      const prepared = source.prepare(this.name, this.kind, args);
      return (await source.read(this.kind, prepared, transaction)) as JobValue<this>;
    })();
  }
}

/** Whether the user says himself how instances of a class survive. */
function isDescribed(own: NonNullable<JobOptions['types']>, type: NonNullable<JobOptions['types']>[number]): boolean {
  return own.some((each) => classOf(each) === classOf(type));
}

function classOf(type: NonNullable<JobOptions['types']>[number]): unknown {
  return typeof type === 'function' ? type : (type as { readonly type: unknown }).type;
}
