import { MikroORM } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { defineConfig, type PostgreSqlDriver, type SqlEntityManager } from '@mikro-orm/postgresql';
import type { ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { AsyncCache, AsyncCacheModule, type AsyncCacheOptions, type CacheEvent } from 'nestjs-async-cache';
import {
  AsyncCacheMikroOrmModule,
  type CachedRepository,
  type EntityJobOptions,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/mikro-orm';
import { onTestFinished } from 'vitest';
import { databaseName, queryCounter } from '../../orm/support/postgres.js';
import { RecordingLogger } from '../../nest/support/start-app.js';
import type { PostgresServer } from '../../support/postgres-server.js';
import { ENTITIES, Everything, Order, Profile, Role, Ticket, User } from './entities.js';

export interface MikroOrmApp {
  readonly app: TestingModule;
  readonly cache: AsyncCache;
  /** An entity manager of its own for each call. */
  fork(): SqlEntityManager;
  /** The name of its database. */
  readonly database: string;
  readonly users: CachedRepository<User>;
  readonly orders: CachedRepository<Order>;
  readonly events: CacheEvent[];
  /** How often the database was asked for rows of the entity's table, since the last call. */
  queries(table: string): Promise<number>;
}

export interface MikroOrmAppParts extends ModuleMetadata {
  readonly options?: AsyncCacheOptions;
  readonly feature?: EntityJobOptions;
}

/** An application on a database of its own, with an Ann who has a profile, two orders and a role, and a Bob. */
export async function startMikroOrmApp(server: PostgresServer, parts: MikroOrmAppParts = {}): Promise<MikroOrmApp> {
  const { options = {}, feature = {}, imports = [], providers = [] } = parts;
  const database = databaseName();
  const url = await server.createDatabase(database);
  const app = await Test.createTestingModule({
    imports: [
      AsyncCacheModule.forRoot(options),
      MikroOrmModule.forRoot(defineConfig({ clientUrl: url, entities: ENTITIES })),
      AsyncCacheMikroOrmModule.forFeature([User, Order, Profile, Role, Ticket, Everything], { ttl: 3_600, ...feature }),
      ...imports,
    ],
    providers,
  })
    .setLogger(new RecordingLogger())
    .compile();
  const orm = app.get(MikroORM);
  await orm.schema.create();
  await app.init();
  onTestFinished(() => app.close());
  const em = orm.em.fork();
  const ann = em.create(User, { username: 'ann', name: 'Ann', isStaff: true, age: 30, createdAt: new Date() });
  ann.profile = em.create(Profile, { city: 'Graz' });
  ann.roles.add(em.create(Role, { name: 'admin' }));
  for (const total of ['10.50', '20.00']) ann.orders.add(em.create(Order, { total, user: ann }));
  await em.flush();
  em.create(User, { username: 'bob', name: 'Bob', isStaff: false, createdAt: new Date() });
  await em.flush();
  const cache = app.get(AsyncCache);
  const events: CacheEvent[] = [];
  cache.events$.subscribe((event) => events.push(event));
  return {
    app,
    cache,
    fork: () => (orm as unknown as MikroORM<PostgreSqlDriver>).em.fork(),
    database,
    users: app.get(getCachedRepositoryToken(User), { strict: false }),
    orders: app.get(getCachedRepositoryToken(Order), { strict: false }),
    events,
    queries: queryCounter(server, url),
  };
}
