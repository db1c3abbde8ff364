import { Global, Inject, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { PrismaPg } from '@prisma/adapter-pg';
import { AsyncCache, AsyncCacheModule, type AsyncCacheOptions, type CacheEvent } from 'nestjs-async-cache';
import {
  AsyncCachePrismaModule,
  type CachedDelegate,
  type EntityJobOptions,
  getCachedDelegateToken,
  reportWrites,
} from 'nestjs-async-cache/prisma';
import { onTestFinished } from 'vitest';
import { databaseName, queryCounter } from '../../orm/support/postgres.js';
import type { PostgresServer } from '../../support/postgres-server.js';
import { RecordingLogger } from '../../nest/support/start-app.js';
import { PrismaClient } from './generated/ts/client.js';
import { TABLES } from './tables.js';

const DATABASE_URL = Symbol('url');

@Injectable()
export class PrismaService extends PrismaClient {
  constructor(@Inject(DATABASE_URL) url: string) {
    super({ adapter: new PrismaPg({ connectionString: url }) });
    return reportWrites(this);
  }

  onModuleDestroy(): Promise<void> {
    return this.$disconnect();
  }
}

export interface PrismaApp {
  readonly app: TestingModule;
  readonly cache: AsyncCache;
  /** The client whose writes are reported. */
  readonly prisma: PrismaService;
  /** A client of the same database that reports nothing. */
  readonly silent: PrismaClient;
  readonly database: string;
  readonly users: CachedDelegate<PrismaClient['user']>;
  readonly orders: CachedDelegate<PrismaClient['order']>;
  readonly profiles: CachedDelegate<PrismaClient['profile']>;
  readonly roles: CachedDelegate<PrismaClient['role']>;
  readonly events: CacheEvent[];
  readonly log: RecordingLogger;
  /** How often the database was asked for rows of a table, since the last call. */
  queries(table: string): Promise<number>;
}

export interface PrismaAppParts extends ModuleMetadata {
  readonly options?: AsyncCacheOptions;
  readonly feature?: Omit<EntityJobOptions<PrismaService>, 'client'>;
}

/** A client, with the database that it is for. */
export function clientOf(url: string): PrismaClient {
  const client = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
  onTestFinished(() => client.$disconnect());
  return client;
}

/** An application on a database of its own, with an Ann who has a profile, two orders and a role, and a Bob. */
export async function startPrismaApp(server: PostgresServer, parts: PrismaAppParts = {}): Promise<PrismaApp> {
  const { options = {}, feature = {}, imports = [], providers = [] } = parts;
  const database = databaseName();
  const url = await server.createDatabase(database);
  await server.query(TABLES, database);
  const silent = clientOf(url);
  await silent.user.create({
    data: {
      username: 'ann',
      name: 'Ann',
      isStaff: true,
      age: 30,
      profile: { create: { city: 'Graz' } },
      orders: { create: [{ total: '10.50' }, { total: '20.00' }] },
      roles: { create: { name: 'admin' } },
    },
  });
  await silent.user.create({ data: { username: 'bob', name: 'Bob' } });

  @Global()
  @Module({ providers: [{ provide: DATABASE_URL, useValue: url }, PrismaService], exports: [PrismaService] })
  class PrismaModule {}

  const log = new RecordingLogger();
  const app = await Test.createTestingModule({
    imports: [
      AsyncCacheModule.forRoot(options),
      PrismaModule,
      AsyncCachePrismaModule.forFeature(['user', 'order', 'profile', 'role', 'everything'], {
        client: PrismaService,
        ttl: 3_600,
        ...feature,
      }),
      ...imports,
    ],
    providers,
  })
    .setLogger(log)
    .compile();
  await app.init();
  const prisma = app.get(PrismaService);
  onTestFinished(() => app.close());
  const events: CacheEvent[] = [];
  const cache = app.get(AsyncCache);
  cache.events$.subscribe((event) => events.push(event));
  return {
    app,
    cache,
    prisma,
    silent,
    database,
    users: app.get(getCachedDelegateToken('user'), { strict: false }),
    orders: app.get(getCachedDelegateToken('order'), { strict: false }),
    profiles: app.get(getCachedDelegateToken('profile'), { strict: false }),
    roles: app.get(getCachedDelegateToken('role'), { strict: false }),
    events,
    log,
    queries: queryCounter(server, url),
  };
}
