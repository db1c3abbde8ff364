import type { EntityManager } from '@mikro-orm/core';
import {
  AsyncCacheMikroOrmModule,
  EntityFilterJob,
  EntityGetJob,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/mikro-orm';
import type { OrmUnderTest, RowReads } from '../../orm/support/orm-under-test.js';
import { User } from './entities.js';
import { startMikroOrmApp } from './mikro-orm-app.js';

/** MikroORM, as the shared suites need it. */
export const MIKRO_ORM: OrmUnderTest = {
  entity: 'User',
  token: getCachedRepositoryToken(User),
  notFound: { name: 'NotFoundError' },
  down: /ECONNREFUSED|terminat|connection/i,
  async start(server, parts) {
    const app = await startMikroOrmApp(server, parts);
    const within = (transaction: unknown) => (transaction ?? app.fork()) as EntityManager;
    const rename = async (id: number, name: string, transaction?: object): Promise<void> => {
      const em = within(transaction);
      (await em.findOneOrFail(User, id)).name = name;
      await em.flush();
    };
    return {
      ...app,
      users: app.users as unknown as RowReads,
      orders: app.orders as unknown as RowReads,
      rename,
      writeOther: (transaction) => rename(2, 'Rob', transaction),
      readOther: () => app.users.getJob.read({ id: 2 }),
      remove: (id) => app.fork().nativeDelete(User, { id }),
      add: (names) =>
        app.fork().insertMany(
          User,
          names.map((name) => ({ name, username: name, isStaff: false, createdAt: new Date() })),
        ),
      transaction: (work, outer) => within(outer).transactional(work),
    };
  },
  where: (conditions) => (conditions === undefined ? [] : [conditions]),
  feature: (options) => AsyncCacheMikroOrmModule.forFeature([User], options),
  getJob: (options) => new EntityGetJob(User, options),
  filterJob: (options) => new EntityFilterJob(User, options),
};
