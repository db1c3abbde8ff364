import {
  AsyncCachePrismaModule,
  EntityFilterJob,
  EntityGetJob,
  getCachedDelegateToken,
} from 'nestjs-async-cache/prisma';
import type { OrmUnderTest, RowReads } from '../../orm/support/orm-under-test.js';
import { PrismaService, startPrismaApp } from './prisma-app.js';

/** Prisma, as the shared suites need it. */
export const PRISMA: OrmUnderTest = {
  entity: 'User',
  token: getCachedDelegateToken('user'),
  notFound: { code: 'P2025' },
  down: /ECONNREFUSED|reach|terminat|closed|Connection/i,
  async start(server, parts) {
    const app = await startPrismaApp(server, parts);
    const within = (transaction: unknown) => (transaction ?? app.prisma) as PrismaService;
    const rename = (id: number, name: string, transaction?: object) =>
      within(transaction).user.update({ where: { id }, data: { name } });
    return {
      ...app,
      users: app.users as unknown as RowReads,
      orders: app.orders as unknown as RowReads,
      rename: (id, name, transaction) => rename(id, name, transaction),
      writeOther: (transaction) => rename(2, 'Rob', transaction),
      readOther: () => app.users.getJob.read({ where: { id: 2 } }),
      remove: (id) => app.prisma.user.delete({ where: { id } }),
      add: (names) => app.prisma.user.createMany({ data: names.map((name) => ({ name, username: name })) }),
      transaction: (work, outer) => within(outer).$transaction(work),
    };
  },
  where: (where) => (where === undefined ? [] : [{ where }]),
  feature: (options) => AsyncCachePrismaModule.forFeature(['user'], { client: PrismaService, ...options }),
  getJob: (options) => new EntityGetJob('user', { client: PrismaService, ...options }),
  filterJob: (options) => new EntityFilterJob('user', { client: PrismaService, ...options }),
};
