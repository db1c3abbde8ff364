import 'reflect-metadata';
import { SequelizeModule } from '@nestjs/sequelize';
import { AsyncCacheSequelizeModule, getCachedRepositoryToken } from 'nestjs-async-cache/sequelize';
import { DataTypes } from 'sequelize';
import { Column, Model, PrimaryKey, Sequelize, Table } from 'sequelize-typescript';
import { given, serve } from '../../orm/support/serve.mjs';

class Account extends Model {
  double() {
    return this.balance * 2;
  }
}
Column(DataTypes.INTEGER)(Account.prototype, 'id');
PrimaryKey(Account.prototype, 'id');
Column(DataTypes.INTEGER)(Account.prototype, 'balance');
Column(DataTypes.DATE)(Account.prototype, 'at');
Table({ tableName: 'account', timestamps: false })(Account);

const imports = [
  SequelizeModule.forRoot({ dialect: 'postgres', uri: given.databaseUrl, models: [Account], logging: false }),
  AsyncCacheSequelizeModule.forFeature([Account], { ttl: '1h' }),
];

await serve(imports, (app) => {
  const sequelize = app.get(Sequelize);
  return {
    repository: app.get(getCachedRepositoryToken(Account), { strict: false }),
    anyOf: (ids) => ({ id: ids }),
    save: async (id, balance) => (await Account.findByPk(id)).update({ balance }),
    update: (id, balance) => Account.update({ balance }, { where: { id } }),
    rollBack: (id, balance) =>
      sequelize.transaction(async (transaction) => {
        await sequelize.transaction({ transaction }, (savepoint) =>
          Account.update({ balance }, { where: { id }, transaction: savepoint }),
        );
        throw new Error('no');
      }),
  };
});
