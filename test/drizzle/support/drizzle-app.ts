import { Global, Module, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { AsyncCache, AsyncCacheModule, type AsyncCacheOptions, type CacheEvent } from 'nestjs-async-cache';
import {
  AsyncCacheDrizzleModule,
  type CachedTable,
  type EntityJobOptions,
  getCachedTableToken,
} from 'nestjs-async-cache/drizzle';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { RecordingLogger } from '../../nest/support/start-app.js';
import { databaseName, queryCounter } from '../../orm/support/postgres.js';
import type { PostgresServer } from '../../support/postgres-server.js';
import * as schema from './schema.js';

const { TABLES, ...tables } = schema;
export type Database = NodePgDatabase<typeof tables>;
export const DB = Symbol('database');

export interface DrizzleApp {
  readonly app: TestingModule;
  readonly cache: AsyncCache;
  readonly db: Database;
  readonly pool: pg.Pool;
  /** The name of its database, and the server that has it. */
  readonly database: string;
  readonly server: PostgresServer;
  readonly users: CachedTable<Database, 'users'>;
  readonly orders: CachedTable<Database, 'orders'>;
  readonly events: CacheEvent[];
  queries(table: string): Promise<number>;
}

export interface DrizzleAppParts extends ModuleMetadata {
  readonly options?: AsyncCacheOptions;
  readonly feature?: Omit<EntityJobOptions, 'database'>;
}

/** An application on a database of its own, with an Ann who has a profile and two orders, and a Bob. */
export async function startDrizzleApp(server: PostgresServer, parts: DrizzleAppParts = {}): Promise<DrizzleApp> {
  const { options = {}, feature = {}, imports = [], providers = [] } = parts;
  const database = databaseName();
  const url = await server.createDatabase(database);
  await server.query(
    `${TABLES}
     INSERT INTO profile (city) VALUES ('Graz');
     INSERT INTO account (username, name, is_staff, age, profile_id) VALUES ('ann', 'Ann', true, 30, 1), ('bob', 'Bob', false, NULL, NULL);
     INSERT INTO purchase (total, user_id) VALUES (10.50, 1), (20, 1);`,
    database,
  );
  const pool = new pg.Pool({ connectionString: url });
  pool.on('error', () => undefined);
  const db: Database = drizzle(pool, { schema: tables });
  @Global()
  @Module({ providers: [{ provide: DB, useValue: db }], exports: [DB] })
  class DatabaseModule {}
  const app = await Test.createTestingModule({
    imports: [
      AsyncCacheModule.forRoot(options),
      DatabaseModule,
      AsyncCacheDrizzleModule.forFeature(['users', 'orders', 'profiles', 'everything'], {
        database: DB,
        ttl: 3_600,
        ...feature,
      }),
      ...imports,
    ],
    providers,
  })
    .setLogger(new RecordingLogger())
    .compile();
  onTestFinished(async () => {
    await app.close();
    await pool.end();
  });
  await app.init();
  const cache = app.get(AsyncCache);
  const events: CacheEvent[] = [];
  cache.events$.subscribe((event) => events.push(event));
  return {
    app,
    cache,
    db,
    pool,
    database,
    server,
    users: app.get(getCachedTableToken('users'), { strict: false }),
    orders: app.get(getCachedTableToken('orders'), { strict: false }),
    events,
    queries: queryCounter(server, url),
  };
}
