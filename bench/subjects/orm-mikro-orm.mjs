import { EntitySchema, MikroORM, wrap } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { defineConfig } from '@mikro-orm/postgresql';
import { AsyncCacheMikroOrmModule, EntityFilterJob, getCachedRepositoryToken } from '../../dist/mikro-orm/index.js';
import { ormSubject } from '../harness/orm-subject.mjs';

class Account {}
const accounts = new EntitySchema({
  class: Account,
  tableName: 'account',
  properties: {
    id: { type: 'integer', primary: true },
    name: { type: 'text' },
    email: { type: 'text' },
    balance: { type: 'decimal' },
    active: { type: 'boolean' },
    at: { type: 'datetime' },
  },
});

const options = { orderBy: { id: 'asc' } };

export default ormSubject('MikroORM', (clientUrl) => ({
  imports: [
    MikroOrmModule.forRoot(defineConfig({ clientUrl, entities: [accounts] })),
    AsyncCacheMikroOrmModule.forFeature([Account], { ttl: '1h' }),
  ],
  shared: new EntityFilterJob(Account, { name: 'Shared', ttl: '1h', readOnly: true }),
  repository: getCachedRepositoryToken(Account),
  filter: [{}, options],
  queries: (app) => {
    const rows = () => app.get(MikroORM).em.fork().find(Account, {}, options);
    return { rows, plainRows: async () => (await rows()).map((row) => wrap(row).toPOJO()) };
  },
}));
