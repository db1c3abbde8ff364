import type { DynamicModule, ModuleMetadata } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import type { AsyncCache, AsyncCacheJob, AsyncCacheOptions, CacheEvent, Peeked, Reading } from 'nestjs-async-cache';
import type { EntityJobOptions } from 'nestjs-async-cache/typeorm';
import type { PostgresServer } from '../../support/postgres-server.js';

export interface OrmAppParts extends ModuleMetadata {
  readonly options?: AsyncCacheOptions;
  /** Options of `forFeature`. */
  readonly feature?: EntityJobOptions;
}

export interface Row {
  readonly id: number;
  name: string;
}

export interface RowJob<Value> {
  read(...args: readonly unknown[]): Promise<Reading<Value>>;
  peek(...args: readonly unknown[]): Promise<Peeked<Value> | undefined>;
  refresh(...args: readonly unknown[]): Promise<Value>;
  getMany(argsList: readonly (readonly unknown[])[]): Promise<Value[]>;
  explain(...args: readonly unknown[]): Promise<{ readonly key: string }>;
}

/** A cached repository, delegate or table, without the types of its ORM. */
export interface RowReads {
  readonly getJob: RowJob<Row>;
  readonly filterJob: RowJob<Row[]>;
  readonly countJob: RowJob<number>;
  get(...args: readonly unknown[]): Promise<Row>;
  filter(...args: readonly unknown[]): Promise<Row[]>;
  count(...args: readonly unknown[]): Promise<number>;
  invalidate(id?: unknown): Promise<void>;
}

/** A transaction as the ORM has it: whatever its writes take. */
export type AnyTransaction = object;

/** An application on a database of its own, with an Ann (1) who has two orders, and a Bob (2). */
export interface TestedApp {
  readonly app: TestingModule;
  readonly cache: AsyncCache;
  readonly database: string;
  readonly events: readonly CacheEvent[];
  readonly users: RowReads;
  readonly orders: RowReads;
  /** How often the database was asked for rows of a table, since the last call. */
  queries(table: string): Promise<number>;
  /** A write of one user, inside of a transaction if one is given. */
  rename(id: number, name: string, transaction?: AnyTransaction): Promise<unknown>;
  /** A write of which no read of user 1 depends. */
  writeOther(transaction?: AnyTransaction): Promise<unknown>;
  /** What is stale after `writeOther`. */
  readOther(): Promise<Reading>;
  remove(id: number): Promise<unknown>;
  /** New users with these names. */
  add(names: readonly string[]): Promise<unknown>;
  /** Runs work inside of a transaction, or of a savepoint in one. */
  transaction(work: (transaction: AnyTransaction) => Promise<unknown>, outer?: AnyTransaction): Promise<unknown>;
}

/** What the shared suites need to know of an ORM. */
export interface OrmUnderTest {
  start(server: PostgresServer, parts?: OrmAppParts): Promise<TestedApp>;
  /** The arguments of a read of users by equal values; without any, of a read of all. */
  where(conditions?: Readonly<Record<string, unknown>>): readonly unknown[];
  /** The module that provides the cached reads of users, once more. */
  feature(options: EntityJobOptions): DynamicModule;
  /** The token of the cached reads of users. */
  readonly token: symbol;
  /** The name of users in tags, in the names of jobs and in errors. */
  readonly entity: string;
  /** Members of the ORM's own error for a row that is not there. */
  readonly notFound: object;
  /** The ORM's own error for a database that is down. */
  readonly down: RegExp;
  /** The job behind `get`, made by hand. */
  getJob(options: EntityJobOptions): AsyncCacheJob;
  /** The job behind `filter`, made by hand. */
  filterJob(options: EntityJobOptions): AsyncCacheJob;
}

/** No refresh begins during a test, so that what is stale stays stale and can be looked at. */
export const LATER = { queue: { delay: '1h' } } as const;
export const FROZEN = { feature: LATER };
