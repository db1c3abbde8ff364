import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AsyncCacheModule } from 'nestjs-async-cache';
import {
  AsyncCacheTypeOrmModule,
  CachedRepository,
  getCachedRepositoryToken,
  InjectCachedRepository,
} from 'nestjs-async-cache/typeorm';
import { Column, DataSource, Entity, ManyToOne, PrimaryColumn } from 'typeorm';
import { expect, it, onTestFinished } from 'vitest';
import { describeBadDays } from '../orm/support/describe-bad-days.js';
import { ENTITIES, User } from './support/entities.js';
import { usePostgres } from '../orm/support/postgres.js';
import { startOrmApp } from './support/orm-app.js';
import { TYPEORM } from './support/typeorm-under-test.js';

const postgres = usePostgres();

describeBadDays(TYPEORM);

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
