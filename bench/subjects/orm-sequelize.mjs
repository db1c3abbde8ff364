import { SequelizeModule } from '@nestjs/sequelize';
import { DataTypes } from 'sequelize';
import { Column, Model, PrimaryKey, Table } from 'sequelize-typescript';
import { AsyncCacheSequelizeModule, EntityFilterJob, getCachedRepositoryToken } from '../../dist/sequelize/index.js';
import { ormSubject } from '../harness/orm-subject.mjs';

class Account extends Model {}
const columns = {
  id: DataTypes.INTEGER,
  name: DataTypes.TEXT,
  email: DataTypes.TEXT,
  balance: DataTypes.DECIMAL,
  active: DataTypes.BOOLEAN,
  at: DataTypes.DATE,
};
for (const [name, type] of Object.entries(columns)) Column(type)(Account.prototype, name);
PrimaryKey(Account.prototype, 'id');
Table({ tableName: 'account', timestamps: false })(Account);

const order = [['id', 'ASC']];

export default ormSubject('Sequelize', (uri) => ({
  imports: [
    SequelizeModule.forRoot({ dialect: 'postgres', uri, models: [Account], logging: false }),
    AsyncCacheSequelizeModule.forFeature([Account], { ttl: '1h' }),
  ],
  shared: new EntityFilterJob(Account, { name: 'Shared', ttl: '1h', readOnly: true }),
  repository: getCachedRepositoryToken(Account),
  filter: [{}, { order }],
  queries: () => ({
    rows: () => Account.findAll({ order }),
    plainRows: () => Account.findAll({ order, raw: true }),
  }),
}));
