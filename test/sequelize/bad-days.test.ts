import { Injectable, Module } from '@nestjs/common';
import { SequelizeModule } from '@nestjs/sequelize';
import { Test } from '@nestjs/testing';
import { AsyncCacheModule } from 'nestjs-async-cache';
import {
  AsyncCacheSequelizeModule,
  CachedRepository,
  EntityGetJob,
  getCachedRepositoryToken,
  InjectCachedRepository,
} from 'nestjs-async-cache/sequelize';
import { Column, DataType, Model, Table } from 'sequelize-typescript';
import { expect, it, onTestFinished } from 'vitest';
import { usePostgres } from '../orm/support/postgres.js';
import { MODELS, User } from './support/models.js';
import { startSequelizeApp } from './support/sequelize-app.js';
import { describeBadDays } from '../orm/support/describe-bad-days.js';
import { SEQUELIZE } from './support/sequelize-under-test.js';

const postgres = usePostgres();

describeBadDays(SEQUELIZE);

it('two data sources share nothing', async () => {
  @Table({ modelName: 'User', tableName: 'account', timestamps: false })
  class Archived extends Model {
    declare id: number;
    @Column(DataType.STRING) declare name: string;
  }
  const uri = await postgres.server.createDatabase('archive');
  const later = { queue: { delay: '1h' } } as const;
  const { users, app, cache } = await startSequelizeApp(postgres.server, {
    feature: later,
    imports: [
      SequelizeModule.forRoot({
        name: 'archive',
        dialect: 'postgres',
        uri,
        models: [Archived],
        synchronize: true,
        autoLoadModels: true,
        logging: false,
      }),
      AsyncCacheSequelizeModule.forFeature([Archived], { dataSource: 'archive', ...later }),
    ],
  });
  const archived = app.get<CachedRepository<Archived>>(getCachedRepositoryToken(Archived, 'archive'), {
    strict: false,
  });
  const old = await Archived.create({ name: 'Old Ann' });
  expect((await archived.get({ id: 1 })).name).toBe('Old Ann');
  expect((await users.get({ id: 1 })).name).toBe('Ann');
  expect(cache.jobs().map(({ name }) => name)).toEqual(
    expect.arrayContaining(['default.User.get', 'archive.User.get']),
  );
  await old.update({ name: 'Older Ann' });
  expect((await archived.getJob.peek({ id: 1 }))?.status).toBe('stale');
  expect((await users.getJob.peek({ id: 1 }))?.status).toBe('fresh');
});

it('models that forFeature names are loaded with autoLoadModels, and injected', async () => {
  @Injectable()
  class Users {
    constructor(@InjectCachedRepository(User) readonly users: CachedRepository<User>) {}
  }
  @Module({ imports: [AsyncCacheSequelizeModule.forFeature(MODELS)], providers: [Users] })
  class UsersModule {}
  const uri = await postgres.server.createDatabase('auto');
  const app = await Test.createTestingModule({
    imports: [
      AsyncCacheModule.forRoot(),
      SequelizeModule.forRoot({ dialect: 'postgres', uri, autoLoadModels: true, synchronize: true, logging: false }),
      UsersModule,
    ],
  }).compile();
  onTestFinished(() => app.close());
  await app.init();
  expect(await app.get(Users).users.filter()).toEqual([]);
});

it('a data source that is not there is named', () => {
  const job = new EntityGetJob(User, {}, undefined);
  expect(() => job.fetch({ id: 1 })).toThrow(/Import SequelizeModule.forRoot/);
});

it('a new version reads again, and tags and types of the user are beside those of the model', async () => {
  class Extra extends EntityGetJob<User> {
    ttl = 60;
    tags = (row: User) => [`name:${row.greeting()}`];
    version: number;
    constructor(version: number) {
      super(User, { grace: 5, name: `Extra${String(version)}` });
      this.version = version;
    }
  }
  const { app } = await startSequelizeApp(postgres.server, { providers: [{ provide: Extra, useValue: new Extra(2) }] });
  const job = app.get(Extra);
  expect((await job.get({ id: 1 })).greeting()).toBe('Hello Ann');
  expect((await job.explain({ id: 1 })).key).toContain('@2:');
  const entry = await job.peek({ id: 1 });
  expect(entry?.tags).toEqual(['User', 'User:1', 'name:Hello Ann']);
  expect(Number(entry?.freshUntil) - Number(entry?.storedAt)).toBe(60_000);
});
