import { Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AsyncCacheModule } from 'nestjs-async-cache';
import {
  AsyncCachePrismaModule,
  CachedDelegate,
  EntityGetJob,
  getCachedDelegateToken,
  InjectCachedDelegate,
  reportWrites,
} from 'nestjs-async-cache/prisma';
import { expect, it, onTestFinished } from 'vitest';
import { usePostgres } from '../orm/support/postgres.js';
import type { PrismaClient } from './support/generated/ts/client.js';
import { clientOf, PrismaService, startPrismaApp } from './support/prisma-app.js';
import { TABLES } from './support/tables.js';
import { describeBadDays } from '../orm/support/describe-bad-days.js';
import { PRISMA } from './support/prisma-under-test.js';

const postgres = usePostgres();

describeBadDays(PRISMA);
const ann = { where: { id: 1 } } as const;

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
