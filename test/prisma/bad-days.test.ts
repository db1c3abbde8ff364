import { Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AsyncCacheModule, ConfigurationError } from 'nestjs-async-cache';
import {
  AsyncCachePrismaModule,
  CachedDelegate,
  EntityGetJob,
  getCachedDelegateToken,
  InjectCachedDelegate,
  reportWrites,
} from 'nestjs-async-cache/prisma';
import { expect, it, onTestFinished } from 'vitest';
import { startPostgres } from '../support/postgres-server.js';
import { usePostgres } from '../orm/support/postgres.js';
import type { PrismaClient } from './support/generated/ts/client.js';
import { clientOf, PrismaService, startPrismaApp } from './support/prisma-app.js';
import { TABLES } from './support/tables.js';

const postgres = usePostgres();
const ann = { where: { id: 1 } } as const;

it('with a database that is down stale rows are served, and a miss gets the error of Prisma', async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const { users, events } = await startPrismaApp(server);
  const read = () => users.getJob.read(ann);
  await read();
  await server.kill();
  await users.invalidate(1);
  expect(await read()).toMatchObject({ status: 'stale', value: { name: 'Ann' } });
  await expect.poll(() => events.some(({ type }) => type === 'refresh-failed')).toBe(true);
  expect(await read()).toMatchObject({ status: 'stale', value: { name: 'Ann' } });
  await expect(users.get({ where: { id: 2 } })).rejects.toThrow(/ECONNREFUSED|reach|terminat|closed|Connection/i);
  await server.restart();
  await expect.poll(async () => (await read()).status, { timeout: 10_000 }).toBe('hit');
  expect((await users.get({ where: { id: 2 } })).name).toBe('Bob');
});

it('two modules that register a model with the same options share its delegate, with others they do not start', async () => {
  const again = AsyncCachePrismaModule.forFeature(['user'], { client: PrismaService, ttl: 3_600 });
  const { users, app } = await startPrismaApp(postgres.server, { imports: [again] });
  expect(app.get(getCachedDelegateToken('user'), { strict: false, each: true })).toEqual([users, users]);
  const other = AsyncCachePrismaModule.forFeature(['user'], { client: PrismaService, ttl: 60 });
  const start = startPrismaApp(postgres.server, { imports: [other] });
  await expect(start).rejects.toThrow(ConfigurationError);
  await expect(start).rejects.toThrow(/Two modules register User/);
});

it('a model that the client does not have, and a client that the application does not have, let it not start', async () => {
  const stranger = AsyncCachePrismaModule.forFeature(['stranger' as 'user'], { client: PrismaService });
  const startStranger = startPrismaApp(postgres.server, { imports: [stranger] });
  await expect(startStranger).rejects.toThrow(/reads Stranger, which is no model of the client PrismaService/);
  const job = new EntityGetJob<PrismaClient['user']>('user', { client: 'NOWHERE', name: 'Nowhere' });
  const startNowhere = startPrismaApp(postgres.server, { providers: [{ provide: 'job', useValue: job }] });
  await expect(startNowhere).rejects.toThrow(/which this application does not have.*a module that provides NOWHERE/s);
});

it('a client that reports no writes does not let the application start, unless it is wanted', async () => {
  const url = await postgres.server.createDatabase('silent');
  await postgres.server.query(TABLES, 'silent');
  const silent = { provide: 'SILENT', useFactory: () => clientOf(url) };
  const module = (invalidate: boolean) => {
    @Module({ providers: [silent], exports: ['SILENT'] })
    class ClientModule {}
    return Test.createTestingModule({
      imports: [
        AsyncCacheModule.forRoot(),
        AsyncCachePrismaModule.forFeature(['user'], { client: 'SILENT', imports: [ClientModule], invalidate }),
      ],
    }).compile();
  };
  const refused = await module(true);
  onTestFinished(() => refused.close());
  await expect(refused.init()).rejects.toThrow(/the client SILENT, which reports no writes.*reportWrites/s);
  const wanted = await module(false);
  onTestFinished(() => wanted.close());
  await wanted.init();
  const users = wanted.get<CachedDelegate<PrismaClient['user']>>(getCachedDelegateToken('user'), { strict: false });
  expect(await users.filter()).toEqual([]);
  expect(() => reportWrites({})).toThrow(/is none/);
});

it('models of one name in two databases share nothing', async () => {
  const url = await postgres.server.createDatabase('archive');
  await postgres.server.query(TABLES, 'archive');
  const later = { queue: { delay: '1h' } } as const;
  const archive = clientOf(url).$extends(reportWrites) as unknown as PrismaClient;
  @Module({ providers: [{ provide: 'ARCHIVE', useValue: archive }], exports: ['ARCHIVE'] })
  class ArchiveModule {}
  @Injectable()
  class Archive {
    constructor(
      @Inject('ARCHIVE') readonly client: PrismaClient,
      @InjectCachedDelegate('user', 'archive') readonly users: CachedDelegate<PrismaClient['user']>,
    ) {}
  }
  @Module({
    imports: [
      ArchiveModule,
      AsyncCachePrismaModule.forFeature(['user'], {
        client: 'ARCHIVE',
        dataSource: 'archive',
        imports: [ArchiveModule],
        ...later,
      }),
    ],
    providers: [Archive],
  })
  class UsesArchive {}
  const { users, app, prisma, cache } = await startPrismaApp(postgres.server, {
    feature: later,
    imports: [UsesArchive],
  });
  const archived = app.get(Archive, { strict: false });
  await archived.client.user.create({ data: { id: 1, username: 'ann', name: 'Old Ann' } });
  expect((await archived.users.get(ann)).name).toBe('Old Ann');
  expect((await users.get(ann)).name).toBe('Ann');
  expect(cache.jobs().map(({ name }) => name)).toEqual(
    expect.arrayContaining(['default.User.get', 'archive.User.get']),
  );
  await archived.client.user.update({ ...ann, data: { name: 'Older Ann' } });
  expect((await archived.users.getJob.peek(ann))?.status).toBe('stale');
  expect((await users.getJob.peek(ann))?.status).toBe('fresh');
  await prisma.user.update({ ...ann, data: { name: 'Anna' } });
  expect((await users.getJob.peek(ann))?.status).toBe('stale');
});

it('without the cache, and with enabled: false, reads go to the database', async () => {
  const { users, queries, prisma } = await startPrismaApp(postgres.server, { options: { enabled: false } });
  await queries('account');
  for (let read = 0; read < 3; read++) expect((await users.get(ann)).name).toBe('Ann');
  expect(await queries('account')).toBe(3);
  await users.invalidate(1);
  await prisma.user.update({ ...ann, data: { name: 'Anna' } });
  await expect(users.get({ where: { username: undefined as never } })).rejects.toThrow(/undefined/);
});

it('options of a model are those of its jobs, tags beside those of the model', async () => {
  class Extra extends EntityGetJob<PrismaClient['user']> {
    ttl = 60;
    tags = ['own'];
    constructor() {
      super('user', { client: PrismaService, grace: 5 });
    }
  }
  const { app } = await startPrismaApp(postgres.server, { providers: [Extra] });
  const job = app.get(Extra);
  await job.get(ann);
  const entry = await job.peek(ann);
  expect(entry?.tags).toEqual(['User', 'User:1', 'own']);
  expect(Number(entry?.freshUntil) - Number(entry?.storedAt)).toBe(60_000);
  expect(Number(entry?.staleUntil) - Number(entry?.freshUntil)).toBe(5_000);
});
