import {
  AsyncCacheTypeOrmModule,
  EntityFilterJob,
  EntityGetJob,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/typeorm';
import type { EntityManager } from 'typeorm';
import type { OrmUnderTest, RowReads } from '../../orm/support/orm-under-test.js';
import { User } from './entities.js';
import { startOrmApp } from './orm-app.js';

/** TypeORM, as the shared suites need it. */
export const TYPEORM: OrmUnderTest = {
  entity: 'User',
  token: getCachedRepositoryToken(User),
  notFound: { name: 'EntityNotFoundError' },
  down: /ECONNREFUSED|terminat|Connection/,
  async start(server, parts) {
    const app = await startOrmApp(server, parts);
    const within = (transaction: unknown) => (transaction ?? app.dataSource.manager) as EntityManager;
    return {
      ...app,
      users: app.users as unknown as RowReads,
      orders: app.orders as unknown as RowReads,
      rename: (id, name, transaction) => within(transaction).save(User, { id, name }),
      writeOther: (transaction) => within(transaction).save(User, { id: 2, name: 'Rob' }),
      readOther: () => app.users.getJob.read({ id: 2 }),
      remove: (id) => app.dataSource.manager.delete(User, { id }),
      add: (names) =>
        app.dataSource.manager.insert(
          User,
          names.map((name) => ({ name, username: name })),
        ),
      transaction: (work, outer) => within(outer).transaction(work),
    };
  },
  where: (conditions) => (conditions === undefined ? [] : [conditions]),
  feature: (options) => AsyncCacheTypeOrmModule.forFeature([User], options),
  getJob: (options) => new EntityGetJob(User, options),
  filterJob: (options) => new EntityFilterJob(User, options),
};
