import {
  AsyncCacheSequelizeModule,
  EntityFilterJob,
  EntityGetJob,
  getCachedRepositoryToken,
} from 'nestjs-async-cache/sequelize';
import type { Transaction } from 'sequelize';
import type { OrmUnderTest, RowReads } from '../../orm/support/orm-under-test.js';
import { User } from './models.js';
import { startSequelizeApp } from './sequelize-app.js';

/** Sequelize, as the shared suites need it. */
export const SEQUELIZE: OrmUnderTest = {
  entity: 'User',
  token: getCachedRepositoryToken(User),
  notFound: { name: 'SequelizeEmptyResultError' },
  down: /ECONNREFUSED|terminat|Connection/,
  async start(server, parts) {
    const app = await startSequelizeApp(server, parts);
    const rename = async (id: number, name: string, transaction?: object): Promise<void> => {
      const within = transaction && { transaction: transaction as Transaction };
      await (await User.findByPk(id, within))!.update({ name }, within);
    };
    return {
      ...app,
      users: app.users as unknown as RowReads,
      orders: app.orders as unknown as RowReads,
      rename,
      writeOther: (transaction) => rename(2, 'Rob', transaction),
      readOther: () => app.users.getJob.read({ id: 2 }),
      remove: (id) => User.destroy({ where: { id }, force: true }),
      add: (names) => User.bulkCreate(names.map((name) => ({ name, username: name }))),
      transaction: (work, outer) =>
        app.sequelize.transaction(outer === undefined ? {} : { transaction: outer as Transaction }, work),
    };
  },
  where: (conditions) => (conditions === undefined ? [] : [conditions]),
  feature: (options) => AsyncCacheSequelizeModule.forFeature([User], options),
  getJob: (options) => new EntityGetJob(User, options),
  filterJob: (options) => new EntityFilterJob(User, options),
};
