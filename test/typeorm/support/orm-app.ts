import { randomUUID } from 'node:crypto';
import type { ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  AsyncCache,
  AsyncCacheModule,
  type AsyncCacheOptions,
  type CacheEvent,
  type Reading,
} from 'nestjs-async-cache';
import {
  AsyncCacheTypeOrmModule,
  type CachedRepository,
  type EntityJobOptions,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/typeorm';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { RecordingLogger } from '../../nest/support/start-app.js';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.js';
import { ENTITIES, Order, Profile, Role, User } from './entities.js';

/** One PostgreSQL for the tests of a file. */
export function usePostgres(): { readonly server: PostgresServer } {
  const used: { server: PostgresServer } = { server: undefined as unknown as PostgresServer };
  beforeAll(async () => {
    used.server = await startPostgres();
  });
  afterAll(() => used.server.stop());
  return used;
}

export interface OrmApp {
  readonly app: TestingModule;
  readonly cache: AsyncCache;
  readonly dataSource: DataSource;
  /** The name of its database. */
  readonly database: string;
  readonly users: CachedRepository<User>;
  readonly orders: CachedRepository<Order>;
  readonly events: CacheEvent[];
  readonly log: RecordingLogger;
  /** How often the database was asked for rows of the entity's table, since the last call. */
  queries(table: string): Promise<number>;
}

export interface OrmAppParts extends ModuleMetadata {
  readonly options?: AsyncCacheOptions;
  readonly feature?: EntityJobOptions;
  readonly url?: string;
}

let databases = 0;

/** An application on a database of its own, with an Ann who has a profile, two orders and a role, and a Bob. */
export async function startOrmApp(server: PostgresServer, parts: OrmAppParts = {}): Promise<OrmApp> {
  const { options = {}, feature = {}, imports = [], providers = [] } = parts;
  const database = `db${String(++databases)}_${randomUUID().slice(0, 8)}`;
  const url = parts.url ?? (await server.createDatabase(database));
  const log = new RecordingLogger();
  const app = await Test.createTestingModule({
    imports: [
      AsyncCacheModule.forRoot(options),
      TypeOrmModule.forRoot({ type: 'postgres', url, entities: ENTITIES, synchronize: true, retryAttempts: 0 }),
      AsyncCacheTypeOrmModule.forFeature(ENTITIES, { ttl: 3_600, ...feature }),
      ...imports,
    ],
    providers,
  })
    .setLogger(log)
    .compile();
  await app.init();
  onTestFinished(() => app.close());
  const dataSource = app.get(DataSource);
  const { manager } = dataSource;
  if (parts.url === undefined) {
    const roles = [await manager.save(manager.create(Role, { name: 'admin' }))];
    const profile = manager.create(Profile, { city: 'Graz' });
    const orders = ['10.50', '20.00'].map((total) => manager.create(Order, { total }));
    await manager.save(
      manager.create(User, { username: 'ann', name: 'Ann', isStaff: true, age: 30, profile, orders, roles }),
    );
    await manager.save(manager.create(User, { username: 'bob', name: 'Bob' }));
  }
  const cache = app.get(AsyncCache);
  const events: CacheEvent[] = [];
  cache.events$.subscribe((event) => events.push(event));
  const seen = new Map<string, number>();
  return {
    app,
    cache,
    dataSource,
    database: new URL(url).pathname.slice(1),
    users: app.get(getCachedRepositoryToken(User), { strict: false }),
    orders: app.get(getCachedRepositoryToken(Order), { strict: false }),
    events,
    log,
    queries: async (table) => {
      // Counted by the database itself, and only in the database of this application.
      const [row] = await server.query<{ calls: string | null }>(
        `SELECT sum(calls) AS calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
         WHERE d.datname = '${new URL(url).pathname.slice(1)}' AND query ~* '^SELECT.*FROM "${table}"'`,
      );
      const calls = Number(row?.calls ?? 0);
      const since = calls - (seen.get(table) ?? 0);
      seen.set(table, calls);
      return since;
    },
  };
}

type Read = () => Promise<Reading>;

/** Fills what each read reads, and returns what asks how many of them are stale then, by their names. */
export async function fill<Name extends string>(reads: Record<Name, Read>): Promise<() => Promise<Name[]>> {
  const names = Object.keys(reads) as Name[];
  for (const name of names) await reads[name]();
  return async () => {
    const found = await Promise.all(names.map(async (name) => [name, (await reads[name]()).status] as const));
    return found.filter(([, status]) => status !== 'hit').map(([name]) => name);
  };
}
