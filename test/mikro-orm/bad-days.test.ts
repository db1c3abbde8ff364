import { EntitySchema, type MikroORM } from '@mikro-orm/core';
import { getMikroORMToken, MikroOrmModule } from '@mikro-orm/nestjs';
import { defineConfig } from '@mikro-orm/postgresql';
import {
  AsyncCacheMikroOrmModule,
  type CachedRepository,
  EntityGetJob,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/mikro-orm';
import { expect, it } from 'vitest';
import { usePostgres } from '../orm/support/postgres.js';
import { User } from './support/entities.js';
import { startMikroOrmApp } from './support/mikro-orm-app.js';
import { describeBadDays } from '../orm/support/describe-bad-days.js';
import { MIKRO_ORM } from './support/mikro-orm-under-test.js';

const postgres = usePostgres();

describeBadDays(MIKRO_ORM);

it('two data sources share nothing', async () => {
  const later = { queue: { delay: '1h' } } as const;
  class Archived {
    id!: number;
    name!: string;
  }
  // Under the same name as the other.
  Object.defineProperty(Archived, 'name', { value: 'User' });
  const schema = new EntitySchema<Archived>({
    class: Archived,
    tableName: 'account',
    properties: { id: { type: 'integer', primary: true }, name: { type: 'string' } },
  });
  const clientUrl = await postgres.server.createDatabase('archive');
  const { users, app, cache } = await startMikroOrmApp(postgres.server, {
    feature: later,
    imports: [
      MikroOrmModule.forRoot({ contextName: 'archive', ...defineConfig({ clientUrl, entities: [schema] }) }),
      AsyncCacheMikroOrmModule.forFeature([Archived], { dataSource: 'archive', ...later }),
    ],
  });
  const archive = app.get<MikroORM>(getMikroORMToken('archive'), { strict: false });
  await archive.schema.create();
  await archive.em.fork().insert(Archived, { id: 1, name: 'Old Ann' });
  const archived: CachedRepository<Archived> = app.get(getCachedRepositoryToken(Archived, 'archive'), {
    strict: false,
  });
  expect((await archived.get({ id: 1 })).name).toBe('Old Ann');
  expect((await users.get({ id: 1 })).name).toBe('Ann');
  expect(cache.jobs().map(({ name }) => name)).toEqual(
    expect.arrayContaining(['default.User.get', 'archive.User.get']),
  );
  await archive.em.fork().nativeUpdate(Archived, { id: 1 }, { name: 'Older Ann' });
  expect((await archived.getJob.peek({ id: 1 }))?.status).toBe('stale');
  expect((await users.getJob.peek({ id: 1 }))?.status).toBe('fresh');
});

it('a commit that fails is an error of the flush, and its reads are stale: it may have happened', async () => {
  const { users, fork, database } = await startMikroOrmApp(postgres.server, {
    feature: { queue: { delay: '1h' } },
  });
  await postgres.server.query(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;
     CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON account DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()`,
    database,
  );
  await users.get({ id: 1 });
  await users.get({ id: 2 });
  const em = fork();
  (await em.findOneOrFail(User, 1)).name = 'X';
  await expect(em.flush()).rejects.toThrow('refused');
  expect((await users.getJob.peek({ id: 1 }))?.status).toBe('stale');
  expect((await users.getJob.peek({ id: 2 }))?.status).toBe('fresh');
});

it('a new version reads again, and tags of the user are beside those of the entity', async () => {
  class Extra extends EntityGetJob<User> {
    ttl = 60;
    tags = (row: User) => [`name:${row.greeting()}`];
    version = 2;
    constructor() {
      super(User, { grace: 5 });
    }
  }
  const { app } = await startMikroOrmApp(postgres.server, { providers: [Extra] });
  const job = app.get(Extra);
  expect((await job.get({ id: 1 })).greeting()).toBe('Hello Ann');
  expect((await job.explain({ id: 1 })).key).toContain('@2:');
  expect((await job.peek({ id: 1 }))?.tags).toEqual(['User', 'User:1', 'name:Hello Ann']);
});
