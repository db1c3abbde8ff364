import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AsyncCacheModule, ConfigurationError } from 'nestjs-async-cache';
import {
  AsyncCacheTypeOrmModule,
  CachedRepository,
  EntityGetJob,
  getCachedRepositoryToken,
  InjectCachedRepository,
} from 'nestjs-async-cache/typeorm';
import { Column, DataSource, Entity, ManyToOne, PrimaryColumn } from 'typeorm';
import { expect, it, onTestFinished } from 'vitest';
import { startPostgres } from '../support/postgres-server.js';
import { ENTITIES, User } from './support/entities.js';
import { usePostgres } from '../orm/support/postgres.js';
import { startOrmApp } from './support/orm-app.js';

const postgres = usePostgres();

it('with a database that is down stale rows are served, and a miss gets the error of the ORM', async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const { users, events } = await startOrmApp(server);
  const read = () => users.getJob.read({ id: 1 });
  await read();
  await server.kill();
  await users.invalidate(1);
  expect(await read()).toMatchObject({ status: 'stale', value: { name: 'Ann' } });
  await expect.poll(() => events.some(({ type }) => type === 'refresh-failed')).toBe(true);
  expect(await read()).toMatchObject({ status: 'stale', value: { name: 'Ann' } });
  await expect(users.get({ id: 2 })).rejects.toThrow(/ECONNREFUSED|terminat|Connection/);
  await server.restart();
  await expect.poll(async () => (await read()).status, { timeout: 10_000 }).toBe('hit');
  expect((await users.get({ id: 2 })).name).toBe('Bob');
});

it('two modules that register an entity with the same options share its repository, with others they do not start', async () => {
  const again = AsyncCacheTypeOrmModule.forFeature([User], { ttl: 3_600 });
  const { users, app } = await startOrmApp(postgres.server, { imports: [again] });
  expect(app.get(getCachedRepositoryToken(User), { strict: false, each: true })).toEqual([users, users]);
  const other = AsyncCacheTypeOrmModule.forFeature([User], { ttl: 60 });
  const start = startOrmApp(postgres.server, { imports: [other] });
  await expect(start).rejects.toThrow(ConfigurationError);
  await expect(start).rejects.toThrow(/Two modules register User/);
});

it('an entity that the data source does not know does not let the application start', async () => {
  @Entity()
  class Unknown {
    @PrimaryColumn() id!: number;
  }
  const start = startOrmApp(postgres.server, { imports: [AsyncCacheTypeOrmModule.forFeature([Unknown])] });
  await expect(start).rejects.toThrow(/Unknown/);
});

it('an entity with a lazy relation does not let the application start', async () => {
  @Entity()
  class Lazy {
    @PrimaryColumn() id!: number;
    @ManyToOne(() => User, { lazy: true }) user!: Promise<User>;
  }
  const url = await postgres.server.createDatabase('lazy');
  const app = await Test.createTestingModule({
    imports: [
      AsyncCacheModule.forRoot(),
      TypeOrmModule.forRoot({ type: 'postgres', url, entities: [...ENTITIES, Lazy] }),
      AsyncCacheTypeOrmModule.forFeature([Lazy]),
    ],
  }).compile();
  onTestFinished(() => app.close());
  await expect(app.init()).rejects.toThrow(/lazy relation user/);
});

it('entities of one name in two data sources share nothing', async () => {
  @Entity('account')
  class Archived {
    @PrimaryColumn() id!: number;
    @Column() name!: string;
  }
  Object.defineProperty(Archived, 'name', { value: 'User' });
  const archive = await postgres.server.createDatabase('archive');
  const { users, app, dataSource, cache } = await startOrmApp(postgres.server, {
    feature: { queue: { delay: '1h' } },
    imports: [
      TypeOrmModule.forRoot({
        name: 'archive',
        type: 'postgres',
        url: archive,
        entities: [Archived],
        synchronize: true,
      }),
      AsyncCacheTypeOrmModule.forFeature([Archived], { dataSource: 'archive', queue: { delay: '1h' } }),
    ],
  });
  const archived = app.get<CachedRepository<Archived>>(getCachedRepositoryToken(Archived, 'archive'), {
    strict: false,
  });
  const other = app.get<DataSource>('archiveDataSource', { strict: false });
  await other.manager.save(Archived, { id: 1, name: 'Old Ann' });
  expect((await archived.get({ id: 1 })).name).toBe('Old Ann');
  expect((await users.get({ id: 1 })).name).toBe('Ann');
  expect(cache.jobs().map(({ name }) => name)).toEqual(
    expect.arrayContaining(['default.User.get', 'archive.User.get']),
  );
  await other.manager.save(Archived, { id: 1, name: 'Older Ann' });
  expect((await archived.getJob.peek({ id: 1 }))?.status).toBe('stale');
  expect((await users.getJob.peek({ id: 1 }))?.status).toBe('fresh');
  await dataSource.manager.save(User, { id: 1, name: 'Anna' });
  expect((await users.getJob.peek({ id: 1 }))?.status).toBe('stale');
});

it('entities that forFeature names are loaded with autoLoadEntities, and injected', async () => {
  @Injectable()
  class Users {
    constructor(@InjectCachedRepository(User) readonly users: CachedRepository<User>) {}
  }
  @Module({ imports: [AsyncCacheTypeOrmModule.forFeature(ENTITIES)], providers: [Users] })
  class UsersModule {}
  const url = await postgres.server.createDatabase('auto');
  const app = await Test.createTestingModule({
    imports: [
      AsyncCacheModule.forRoot(),
      TypeOrmModule.forRoot({ type: 'postgres', url, autoLoadEntities: true, synchronize: true }),
      UsersModule,
    ],
  }).compile();
  onTestFinished(() => app.close());
  await app.init();
  expect(await app.get(Users).users.filter()).toEqual([]);
});

it('without the cache, and with enabled: false, reads go to the database', async () => {
  const { users, queries } = await startOrmApp(postgres.server, { options: { enabled: false } });
  await queries('account');
  for (let read = 0; read < 3; read++) expect((await users.get({ id: 1 })).greeting()).toBe('Hello Ann');
  expect(await queries('account')).toBe(3);
  await users.invalidate(1);
  await expect(users.get({ username: undefined as never })).rejects.toThrow(/undefined/);
});

it('options of an entity are those of its jobs, types and tags beside those of the entity', async () => {
  class Extra extends EntityGetJob<User> {
    ttl = 60;
    tags = ['own'];
    version = 2;
    constructor() {
      super(User, { grace: 5 });
    }
  }
  const { app } = await startOrmApp(postgres.server, { providers: [Extra] });
  const job = app.get(Extra);
  await job.get({ id: 1 });
  const entry = await job.peek({ id: 1 });
  expect(entry?.tags).toEqual(['User', 'User:1', 'own']);
  expect(Number(entry?.freshUntil) - Number(entry?.storedAt)).toBe(60_000);
  expect(Number(entry?.staleUntil) - Number(entry?.freshUntil)).toBe(5_000);
});
