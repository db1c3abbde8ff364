import 'reflect-metadata';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AsyncCacheTypeOrmModule, getCachedRepositoryToken } from 'nestjs-async-cache/typeorm';
import { DataSource, EntitySchema, In } from 'typeorm';
import { given, serve } from '../../orm/support/serve.mjs';

class Account {
  double() {
    return this.balance * 2;
  }
}

const accounts = new EntitySchema({
  name: 'Account',
  target: Account,
  columns: {
    id: { type: 'int', primary: true },
    balance: { type: 'int' },
    at: { type: 'timestamptz', createDate: true },
  },
});

const imports = [
  TypeOrmModule.forRoot({ type: 'postgres', url: given.databaseUrl, entities: [accounts], retryAttempts: 0 }),
  AsyncCacheTypeOrmModule.forFeature([accounts], { ttl: '1h' }),
];

await serve(imports, (app) => {
  const { manager } = app.get(DataSource);
  const save = (within, id, balance) => within.save(accounts, Object.assign(new Account(), { id, balance }));
  return {
    repository: app.get(getCachedRepositoryToken(accounts), { strict: false }),
    anyOf: (ids) => ({ id: In(ids) }),
    save: (id, balance) => save(manager, id, balance),
    update: (id, balance) => manager.update(accounts, { id }, { balance }),
    rollBack: (id, balance) =>
      manager.transaction(async (inner) => {
        await inner.transaction((savepoint) => save(savepoint, id, balance));
        throw new Error('no');
      }),
  };
});
