import type { SQL } from 'drizzle-orm';
import { Obstacle } from '../core/value/obstacle.js';
import type { Arguments } from '../core/policy/policy.js';
import type { EntityModel } from '../orm/entity-model.js';
import type { EntitySource, ReadKind } from '../orm/entity-source.js';
import { plainArgument, within } from '../orm/plain-conditions.js';
import type { DataModel, DrizzleModel } from './drizzle-model.js';
import { EntityNotFoundError } from './entity-not-found-error.js';
import { equalities, plainQuery, queryOf, tablesNamed } from './plain-sql.js';
import type { Transaction } from './transaction.js';

type Members = Readonly<Record<string, unknown>>;

interface Queries {
  readonly query: Readonly<
    Record<string, Readonly<Record<'findFirst' | 'findMany', (args: unknown) => Promise<unknown>>>>
  >;
  $count(table: object, where: SQL | undefined): PromiseLike<number>;
}

/** One table of one database, as the cached reads of `orm/` need it. */
export class DrizzleEntity implements EntitySource<Transaction> {
  readonly types = [];

  constructor(
    private readonly database: object,
    readonly model: DrizzleModel,
    private readonly models: DataModel,
  ) {}

  prepare(job: string, kind: ReadKind, [args]: Arguments): Arguments {
    return plainArgument(job, 0, () => {
      const given = (args ?? {}) as Members;
      const hasWhere = 'where' in given;
      if ((kind === 'get' || hasWhere) && given['where'] === undefined)
        within('.where', () => {
          throw new Obstacle(hasWhere ? 'is undefined, so any row would match' : 'is missing, so any row would match');
        });
      const plain = plainQuery(this.models, given) as object;
      return Object.keys(plain).length === 0 ? [] : [plain];
    });
  }

  equalities([args]: Arguments): unknown {
    return equalities(this.model, (args as Members | undefined)?.['where']);
  }

  reached([args]: Arguments): Iterable<EntityModel> {
    const named = [...tablesNamed(args)].map((name) => this.models.get(name));
    return named.filter((model) => model !== undefined && model !== this.model) as EntityModel[];
  }

  async read(kind: ReadKind, [args]: Arguments, transaction?: Transaction): Promise<unknown> {
    const { query, ...database } = this.#queries(transaction);
    const given = (queryOf(this.models, args) ?? {}) as Members;
    if (kind === 'count') return database.count(this.model.table, given['where'] as SQL | undefined);
    const table = query[this.model.name];
    if (kind === 'filter') return table?.findMany(given);
    const row = await table?.findFirst(given);
    if (row === undefined) throw new EntityNotFoundError(this.model.name);
    return row;
  }

  isNotFound(error: unknown): boolean {
    return error instanceof EntityNotFoundError;
  }

  /** With `columns` a row may come without its id. */
  identified([args]: Arguments, row: unknown): unknown {
    return { ...equalities(this.model, (args as Members)['where']), ...(row as object) };
  }

  #queries(transaction: Transaction | undefined) {
    const database = (transaction?.database ?? this.database) as Queries;
    return { query: database.query, count: (table: object, where: SQL | undefined) => database.$count(table, where) };
  }
}
