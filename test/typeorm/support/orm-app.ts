import type { ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AsyncCache, AsyncCacheModule, type AsyncCacheOptions, type CacheEvent } from 'nestjs-async-cache';
import {
  AsyncCacheTypeOrmModule,
  type CachedRepository,
  type EntityJobOptions,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/typeorm';
import { DataSource } from 'typeorm';
import { onTestFinished } from 'vitest';
import { RecordingLogger } from '../../nest/support/start-app.js';
import { databaseName, queryCounter } from '../../orm/support/postgres.js';
import type { PostgresServer } from '../../support/postgres-server.js';
import { ENTITIES, Order, Profile, Role, User } from './entities.js';

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

/** An application on a database of its own, with an Ann who has a profile, two orders and a role, and a Bob. */
export async function startOrmApp(server: PostgresServer, parts: OrmAppParts = {}): Promise<OrmApp> {
  const { options = {}, feature = {}, imports = [], providers = [] } = parts;
  const url = parts.url ?? (await server.createDatabase(databaseName()));
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
  return {
    app,
    cache,
    dataSource,
    database: new URL(url).pathname.slice(1),
    users: app.get(getCachedRepositoryToken(User), { strict: false }),
    orders: app.get(getCachedRepositoryToken(Order), { strict: false }),
    events,
    log,
    queries: queryCounter(server, url),
  };
}
