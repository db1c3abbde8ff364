import { ConfigurationError } from '../core/errors.js';
import type { Peeked, Reading, SetOptions } from '../core/job/job.js';
import type { JobOptions, OnError } from '../core/policy/job-options.js';
import type { Arguments } from '../core/policy/policy.js';
import { AsyncCacheJob, type JobArguments, type JobValue } from '../nest/async-cache-job.js';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { DERIVED_OPTIONS, STORED_FORM } from '../nest/attribute-options.js';
import { runtimeOf } from '../nest/runtime-of.js';
import type { EntitySource, ReadKind } from './entity-source.js';
import { tagsOfAnyRow, tagsOfRows, tagsOfWrite } from './entity-tags.js';
import type { EntityJobOptions, Orm, WatchedDatabase } from './orm.js';
import { PerOwner } from './per-owner.js';
import { isByUniqueKey } from './read-dependencies.js';
import { idText } from './row-id.js';
import { TagNames } from './tag-names.js';

/** A cached read of an entity. Adapters give it the types of their ORM and its `fetch`. */
export abstract class EntityJob extends AsyncCacheJob {
  /** Of a job that is not subclassed: names the data source, the entity and the read. */
  name: string;
  readonly #options: JobOptions;
  readonly #open: (runtime: AsyncCacheRuntime | undefined) => Connected;
  #connected: Connected | undefined;

  /** @param given the data source, where it is known already; else that of the application is looked up by its name. */
  protected constructor(
    orm: Orm<never, never>,
    protected readonly kind: ReadKind,
    entity: unknown,
    { dataSource = 'default', invalidate = true, ...options }: EntityJobOptions,
    given?: object,
  ) {
    super();
    const entityName = orm.nameOf(entity as never);
    this.name = options.name ?? (isOfUser(new.target) ? new.target.name : `${dataSource}.${entityName}.${kind}`);
    this.#options = options;
    this.#open = (runtime) => {
      const database = given ?? (runtime?.provided(orm.tokenOf(dataSource)) as object | undefined);
      const caching = runtime?.enabled === true ? runtime : undefined;
      if (database !== undefined) {
        const place = { job: this.name, dataSource, needsWrites: caching !== undefined && invalidate };
        const source = orm.connect(database as never, entity as never, place);
        const watch = watches.get(database, dataSource, () => orm.watch(database as never, dataSource));
        if (caching !== undefined) watch?.serve(caching, source.model, invalidate);
        return { source, watch };
      }
      throw new ConfigurationError(
        `${this.name} reads ${entityName} from the data source '${dataSource}', which this application does not have`,
        `Import ${orm.module} and AsyncCacheModule.forRoot, or correct the option dataSource`,
        { job: this.name },
      );
    };
  }

  /** The entity in the data source of this application. Throws a `ConfigurationError` when it is unknown there. */
  get #source(): EntitySource {
    return this.#connect().source;
  }

  #connect(): Connected {
    if (this.#connected !== undefined) return this.#connected;
    const runtime = runtimeOf(this);
    const connected = this.#open(runtime);
    if (runtime !== undefined) this.#connected = connected;
    return connected;
  }

  /** The transaction in which the caller is. Costs one comparison while none is open. */
  #openTransaction(): object | undefined {
    const { source, watch } = this.#connect();
    return source.openTransaction === undefined ? watch?.transactions.current() : source.openTransaction();
  }

  /** Reads from the database. */
  protected fetchRows(...args: Arguments): Promise<unknown> {
    return this.#source.read(this.kind, args);
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
    if (this.#openTransaction() === undefined) return super.getMany(argsList);
    const values: JobValue<this>[] = [];
    // One after the other: they are on one connection.
    for (const args of argsList) values.push(await this.get(...args));
    return values;
  }

  override async peek(...args: JobArguments<this>): Promise<Peeked<JobValue<this>> | undefined> {
    const peeked = await super.peek(...args);
    const { form } = this.#source;
    if (form === undefined || peeked === undefined) return peeked;
    return { ...peeked, value: form.fromStored(peeked.value, false) as JobValue<this> };
  }

  override set(args: JobArguments<this>, value: JobValue<this>, options?: SetOptions): Promise<void> {
    return super.set(args, this[STORED_FORM](value) as JobValue<this>, options);
  }

  /** Makes stale what a write of the row with this id would; without an id every read of the entity. */
  async invalidateRows(id?: unknown): Promise<void> {
    const runtime = runtimeOf(this);
    if (runtime?.enabled !== true) return;
    const source = this.#source;
    const row = source.rowOfId === undefined || id === undefined ? id : source.rowOfId(id);
    const text = row === undefined ? undefined : idText(source.model, row);
    await runtime.cache.invalidateTags(tagsOfWrite(source.model, text));
  }

  /** What is stored of the rows that `fetch` returned. */
  [STORED_FORM](value: unknown): unknown {
    const { form } = this.#source;
    return form === undefined ? value : form.toStored(value);
  }

  /** Options and attributes of subclasses, with what follows from the entity. */
  [DERIVED_OPTIONS](attributes: JobOptions): JobOptions {
    const given = { ...this.#options, ...attributes };
    const { kind } = this;
    const source = this.#source;
    const { form } = source;
    const name = given.name ?? this.constructor.name;
    const { prepareArgs, processResult, tags } = given;
    const readOnly = given.readOnly ?? false;
    return {
      ...given,
      readOnly,
      // A row that is gone must not be served as a stale one for as long as the grace lasts.
      onError: given.onError ?? ((error): OnError => (source.isNotFound(error) ? 'delete' : 'stale')),
      types: [...source.types.filter((type) => !isDescribed(given.types ?? [], type)), ...(given.types ?? [])],
      prepareArgs: (...args) =>
        source.prepare(name, kind, prepareArgs === undefined ? args : Reflect.apply(prepareArgs, this, args)),
      ...(form && {
        processResult: (stored, read) => {
          const value = form.fromStored(stored, readOnly);
          return processResult === undefined ? value : Reflect.apply(processResult, this, [value, read]);
        },
      }),
      tags: (stored, ...args) => {
        const value = form === undefined ? stored : form.fromStored(stored, false);
        const own = typeof tags === 'function' ? Reflect.apply(tags, this, [value, ...args]) : (tags ?? []);
        return [...new Set([...this.#tagsOf(args, value), ...own])];
      },
    };
  }

  #tagsOf(args: Arguments, value: unknown): readonly string[] {
    const { kind } = this;
    const source = this.#source;
    const { model } = source;
    const reached = [...source.reached(args)];
    const equal = source.equalities === undefined ? args[0] : source.equalities(args);
    const depending = kind === 'get' && isByUniqueKey(model, equal) ? reached : [model, ...reached];
    const read = kind === 'get' ? (source.identified?.(args, value) ?? value) : value;
    const rows: readonly unknown[] = Array.isArray(read) ? read : typeof read === 'object' && read ? [read] : [];
    return [
      new TagNames(model.tagName).entity,
      ...depending.flatMap(tagsOfAnyRow),
      ...(kind === 'count' ? [] : tagsOfRows(model, rows)),
    ];
  }

  /** A read inside of a transaction sees what the transaction wrote, and nothing of it may reach other readers. */
  #inTransaction(args: Arguments): Promise<JobValue<this>> | undefined {
    const transaction = this.#openTransaction();
    if (transaction === undefined) return undefined;
    const source = this.#source;
    return (async () => {
      const prepared = source.prepare(this.name, this.kind, args);
      return (await source.read(this.kind, prepared, transaction)) as JobValue<this>;
    })();
  }
}

/** What is known of an entity in the database of an application. */
interface Connected {
  readonly source: EntitySource;
  readonly watch: WatchedDatabase | undefined;
}

const watches = new PerOwner<string, WatchedDatabase | undefined>();

/** Between `EntityJob` and a class of a user are the job of a kind and that of an ORM. */
function isOfUser(cls: unknown): boolean {
  return Object.getPrototypeOf(Object.getPrototypeOf(cls)) !== EntityJob;
}

/** Whether the user says how instances of a class survive. */
function isDescribed(own: NonNullable<JobOptions['types']>, type: NonNullable<JobOptions['types']>[number]): boolean {
  return own.some((each) => classOf(each) === classOf(type));
}

function classOf(type: NonNullable<JobOptions['types']>[number]): unknown {
  return typeof type === 'function' ? type : (type as { readonly type: unknown }).type;
}
