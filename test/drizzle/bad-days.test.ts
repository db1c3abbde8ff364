import { ConfigurationError } from 'nestjs-async-cache';
import { AsyncCacheDrizzleModule, EntityGetJob } from 'nestjs-async-cache/drizzle';
import { Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { AsyncCacheModule } from 'nestjs-async-cache';
import { type CachedTable, InjectCachedTable } from 'nestjs-async-cache/drizzle';
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { describeBadDays } from '../orm/support/describe-bad-days.js';
import { LATER } from '../orm/support/orm-under-test.js';
import { usePostgres } from '../orm/support/postgres.js';
import { DB, startDrizzleApp } from './support/drizzle-app.js';
import { DRIZZLE } from './support/drizzle-under-test.js';
import { profiles, TABLES, users as table } from './support/schema.js';

const postgres = usePostgres();
const ann = { where: eq(table.id, 1) };

describeBadDays(DRIZZLE);

it('a table that is not in the schema, and a database that the application does not have, let it not start', async () => {
  const stranger = AsyncCacheDrizzleModule.forFeature(['strangers'], { database: DB });
  const startStranger = startDrizzleApp(postgres.server, { imports: [stranger] });
  await expect(startStranger).rejects.toThrow(ConfigurationError);
  await expect(startStranger).rejects.toThrow(/reads strangers, which is no table of the schema/);
  const nowhere = { provide: 'job', useValue: new EntityGetJob('users', { database: 'NOWHERE', name: 'Nowhere' }) };
  const startNowhere = startDrizzleApp(postgres.server, { providers: [nowhere] });
  await expect(startNowhere).rejects.toThrow(/which this application does not have.*a module that provides NOWHERE/s);
});

it('a database without a schema does not let the application start', async () => {
  const pool = new pg.Pool({ connectionString: await postgres.server.createDatabase('bare') });
  onTestFinished(() => pool.end());
  @Module({ providers: [{ provide: 'BARE', useValue: drizzle(pool) }], exports: ['BARE'] })
  class BareModule {}
  const app = await Test.createTestingModule({
    imports: [
      AsyncCacheModule.forRoot(),
      AsyncCacheDrizzleModule.forFeature(['users'], { database: 'BARE', imports: [BareModule] }),
    ],
  }).compile();
  onTestFinished(() => app.close());
  await expect(app.init()).rejects.toThrow(/has no schema.*drizzle\(pool, \{ schema \}\)/s);
});

it('tables of one name in two databases share nothing', async () => {
  const pool = new pg.Pool({ connectionString: await postgres.server.createDatabase('archive') });
  await postgres.server.query(TABLES, 'archive');
  onTestFinished(() => pool.end());
  const archive = drizzle(pool, { schema: { users: table, profiles } });
  @Module({ providers: [{ provide: 'ARCHIVE', useValue: archive }], exports: ['ARCHIVE'] })
  class ArchiveModule {}
  @Injectable()
  class Archive {
    constructor(
      @Inject('ARCHIVE') readonly db: typeof archive,
      @InjectCachedTable('users', 'archive') readonly users: CachedTable<typeof archive, 'users'>,
    ) {}
  }
  @Module({
    imports: [
      AsyncCacheDrizzleModule.forFeature(['users'], {
        database: 'ARCHIVE',
        dataSource: 'archive',
        imports: [ArchiveModule],
        ...LATER,
      }),
      ArchiveModule,
    ],
    providers: [Archive],
  })
  class UsesArchive {}
  const { users, app, db, cache } = await startDrizzleApp(postgres.server, { feature: LATER, imports: [UsesArchive] });
  const archived = app.get(Archive, { strict: false });
  await archived.db.insert(table).values({ username: 'ann', name: 'Old Ann' });
  expect((await archived.users.get(ann)).name).toBe('Old Ann');
  expect((await users.get(ann)).name).toBe('Ann');
  expect(cache.jobs().map(({ name }) => name)).toEqual(
    expect.arrayContaining(['default.users.get', 'archive.users.get']),
  );
  await archived.db.update(table).set({ name: 'Older Ann' });
  expect((await archived.users.getJob.peek(ann))?.status).toBe('stale');
  expect((await users.getJob.peek(ann))?.status).toBe('fresh');
  await db.update(table).set({ name: 'Anna' });
  expect((await users.getJob.peek(ann))?.status).toBe('stale');
});
