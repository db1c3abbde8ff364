import type { ModuleMetadata } from '@nestjs/common';
import { SequelizeModule } from '@nestjs/sequelize';
import { Test, type TestingModule } from '@nestjs/testing';
import { AsyncCache, AsyncCacheModule, type AsyncCacheOptions, type CacheEvent } from 'nestjs-async-cache';
import {
  AsyncCacheSequelizeModule,
  type CachedRepository,
  type EntityJobOptions,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/sequelize';
import { Sequelize } from 'sequelize-typescript';
import { onTestFinished } from 'vitest';
import { databaseName, queryCounter } from '../../orm/support/postgres.js';
import { RecordingLogger } from '../../nest/support/start-app.js';
import type { PostgresServer } from '../../support/postgres-server.js';
import { MODELS, Order, Profile, Role, User } from './models.js';

export interface SequelizeApp {
  readonly app: TestingModule;
  readonly cache: AsyncCache;
  readonly sequelize: Sequelize;
  /** The name of its database. */
  readonly database: string;
  readonly users: CachedRepository<User>;
  readonly orders: CachedRepository<Order>;
  readonly events: CacheEvent[];
  readonly log: RecordingLogger;
  /** How often the database was asked for rows of the model's table, since the last call. */
  queries(table: string): Promise<number>;
}

export interface SequelizeAppParts extends ModuleMetadata {
  readonly options?: AsyncCacheOptions;
  readonly feature?: EntityJobOptions;
}

/** An application on a database of its own, with an Ann who has a profile, two orders and a role, and a Bob. */
export async function startSequelizeApp(server: PostgresServer, parts: SequelizeAppParts = {}): Promise<SequelizeApp> {
  const { options = {}, feature = {}, imports = [], providers = [] } = parts;
  const database = databaseName();
  const url = await server.createDatabase(database);
  const log = new RecordingLogger();
  const app = await Test.createTestingModule({
    imports: [
      AsyncCacheModule.forRoot(options),
      SequelizeModule.forRoot({
        dialect: 'postgres',
        uri: url,
        models: MODELS,
        synchronize: true,
        autoLoadModels: true,
        logging: false,
        retryAttempts: 0,
      }),
      AsyncCacheSequelizeModule.forFeature(MODELS, { ttl: 3_600, ...feature }),
      ...imports,
    ],
    providers,
  })
    .setLogger(log)
    .compile();
  await app.init();
  onTestFinished(() => app.close());
  const profile = await Profile.create({ city: 'Graz' });
  const role = await Role.create({ name: 'admin' });
  const ann = await User.create({ username: 'ann', name: 'Ann', isStaff: true, age: 30, profileId: profile.id });
  await ann.$add('roles', role);
  for (const total of ['10.50', '20.00']) await Order.create({ total, userId: ann.id });
  await User.create({ username: 'bob', name: 'Bob' });
  const cache = app.get(AsyncCache);
  const events: CacheEvent[] = [];
  cache.events$.subscribe((event) => events.push(event));
  return {
    app,
    cache,
    sequelize: app.get(Sequelize),
    database,
    users: app.get(getCachedRepositoryToken(User), { strict: false }),
    orders: app.get(getCachedRepositoryToken(Order), { strict: false }),
    events,
    log,
    queries: queryCounter(server, url),
  };
}
