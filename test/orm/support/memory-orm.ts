import { Module } from '@nestjs/common';
import { CachedReads } from '../../../lib/orm/cached-reads.js';
import { CountJob } from '../../../lib/orm/count-job.js';
import { DatabaseWatch } from '../../../lib/orm/database-watch.js';
import type { EntityModel, EntityReferenceTo, EntityRelation, KeyMember } from '../../../lib/orm/entity-model.js';
import { FilterJob } from '../../../lib/orm/filter-job.js';
import { GetJob } from '../../../lib/orm/get-job.js';
import type { EntityJobOptions, Orm } from '../../../lib/orm/orm.js';
import { plainFind, plainConditions, assertConditions } from '../../../lib/orm/plain-conditions.js';
import { modelsReached } from '../../../lib/orm/read-dependencies.js';
import { repositoryModule } from '../../../lib/orm/repository-module.js';
import { runTransaction } from '../../../lib/orm/transaction-events.js';

type Where = Readonly<Record<string, unknown>>;

export interface MemoryRow {
  readonly id: number;
  name: string;
}

/** There is no such row. */
export class NoSuchRow extends Error {}

/** An entity of a `MemoryDatabase`. Its relations are set by tests. */
export class MemoryModel implements EntityModel {
  uniqueKeys: readonly (readonly string[])[] = [['id']];
  key: readonly KeyMember[] = [{ name: 'id', text: 'asIs' }];
  relations: readonly EntityRelation[] = [];
  references: readonly EntityReferenceTo[] = [];

  constructor(readonly tagName: string) {}
}

/** What a transaction of a `MemoryDatabase` has written. Savepoints have one of their own. */
export interface MemoryTransaction {
  readonly rows: Map<number, MemoryRow>;
}

/** Rows of one entity in a map, with transactions as a promise. Its `transaction` is what an adapter replaces. */
export class MemoryDatabase {
  readonly users = new MemoryModel('User');
  readonly rows = new Map<number, MemoryRow>([
    [1, { id: 1, name: 'Ann' }],
    [2, { id: 2, name: 'Bob' }],
  ]);
  /** Called for each write: an adapter sets them. */
  onWrite?: (transaction: object | undefined, id: number | undefined, done: boolean) => Promise<void>;
  reads = 0;
  failsToCommit = false;

  async write(id: number, name: string, transaction?: MemoryTransaction): Promise<void> {
    await this.onWrite?.(transaction, id, false);
    (transaction?.rows ?? this.rows).set(id, { id, name });
    await this.onWrite?.(transaction, id, true);
  }

  transaction = async (work: (transaction: MemoryTransaction) => unknown): Promise<unknown> => {
    const transaction = { rows: new Map(this.rows) };
    const result = await work(transaction);
    if (this.failsToCommit) throw new Error('The commit failed');
    for (const [id, row] of transaction.rows) this.rows.set(id, row);
    return result;
  };

  find(where: Where = {}, { rows } = { rows: this.rows }): MemoryRow[] {
    this.reads++;
    const matches = (row: object): boolean =>
      Object.entries(where).every(([name, value]) => Reflect.get(row, name) === value);
    return [...rows.values()].filter(matches).map((row) => ({ ...row }));
  }
}

/** The smallest adapter: what the shared code needs of an ORM and nothing else. */
const MEMORY_ORM: Orm<typeof MemoryRowOf, MemoryDatabase> = {
  name: 'Memory',
  module: 'a module that provides DATABASE',
  nameOf: () => 'User',
  tokenOf: () => 'DATABASE',
  connect: (database) => ({
    model: database.users,
    types: [],
    prepare: (job, kind, args) =>
      plainFind(job, kind, args, {
        refused: { lock: 'locks rows' },
        where(where) {
          assertConditions(kind, where);
          return plainConditions(where, () => undefined, 'null');
        },
        option: (value) => value,
      }),
    reached: ([where]) => modelsReached(database.users, where),
    async read(kind, [where], transaction) {
      const found = database.find(where as Where | undefined, transaction as MemoryTransaction | undefined);
      if (kind === 'filter') return found;
      if (kind === 'count') return found.length;
      if (found[0] === undefined) throw new NoSuchRow();
      return found[0];
    },
    isNotFound: (error) => error instanceof NoSuchRow,
  }),
  watch(database, dataSource) {
    const watch = new DatabaseWatch<object>(`Memory (${dataSource})`, () => [database.users]);
    database.onWrite = (transaction, id, done) => {
      const written = [{ model: database.users, row: id === undefined ? undefined : { id } }];
      return watch[done ? 'wrote' : 'writing'](transaction ?? {}, written);
    };
    const { transaction: start } = database;
    database.transaction = (work) =>
      runTransaction(watch.transactions, watch, false, (inner: MemoryTransaction) => inner, start, work);
    return watch;
  },
};

/** Stands for the entity in tokens. */
export const MemoryRowOf = {};

export class MemoryGetJob extends GetJob<[where: Where, options?: object], MemoryRow> {
  constructor(_: unknown = MemoryRowOf, options: EntityJobOptions = {}, database?: MemoryDatabase) {
    super(MEMORY_ORM, MemoryRowOf, options, database);
  }
}

export class MemoryFilterJob extends FilterJob<[where?: Where, options?: object], MemoryRow[]> {
  constructor(_: unknown = MemoryRowOf, options: EntityJobOptions = {}, database?: MemoryDatabase) {
    super(MEMORY_ORM, MemoryRowOf, options, database);
  }
}

class MemoryCountJob extends CountJob<[where?: Where]> {
  constructor(_: unknown, options: EntityJobOptions, database: MemoryDatabase) {
    super(MEMORY_ORM, MemoryRowOf, options, database);
  }
}

export class MemoryRepository extends CachedReads<MemoryGetJob, MemoryFilterJob, MemoryCountJob> {}

@Module({})
export class MemoryOrmModule {
  static forFeature(options: EntityJobOptions = {}) {
    return repositoryModule({
      module: MemoryOrmModule,
      orm: MEMORY_ORM,
      entities: [MemoryRowOf],
      options,
      jobs: { get: MemoryGetJob, filter: MemoryFilterJob, count: MemoryCountJob },
      repository: MemoryRepository,
    });
  }
}
