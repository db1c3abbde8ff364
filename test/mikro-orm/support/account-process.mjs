import 'reflect-metadata';
import { EntitySchema, MikroORM } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { defineConfig } from '@mikro-orm/postgresql';
import { AsyncCacheMikroOrmModule, getCachedRepositoryToken } from 'nestjs-async-cache/mikro-orm';
import { given, serve } from '../../orm/support/serve.mjs';

class Account {
  double() {
    return this.balance * 2;
  }
}

const accounts = new EntitySchema({
  class: Account,
  tableName: 'account',
  properties: {
    id: { type: 'integer', primary: true },
    balance: { type: 'integer' },
    at: { type: 'datetime' },
  },
});

const imports = [
  MikroOrmModule.forRoot(defineConfig({ clientUrl: given.databaseUrl, entities: [accounts] })),
  AsyncCacheMikroOrmModule.forFeature([Account], { ttl: '1h' }),
];

await serve(imports, (app) => {
  const orm = app.get(MikroORM);
  const save = async (em, id, balance) => {
    (await em.findOneOrFail(Account, id)).balance = balance;
    await em.flush();
  };
  return {
    repository: app.get(getCachedRepositoryToken(Account), { strict: false }),
    anyOf: (ids) => ({ id: ids }),
    save: (id, balance) => save(orm.em.fork(), id, balance),
    update: (id, balance) => orm.em.fork().nativeUpdate(Account, { id }, { balance }),
    rollBack: (id, balance) =>
      orm.em.fork().transactional(async (em) => {
        await em.transactional((savepoint) => save(savepoint, id, balance));
        throw new Error('no');
      }),
  };
});
