// An application of its own process, on the built package: `npm test` builds it first. Its parent sends calls, and gets
// their results. `worker: false` makes it a web process.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AsyncCacheModule } from 'nestjs-async-cache';
import { AsyncCacheTypeOrmModule, getCachedRepositoryToken } from 'nestjs-async-cache/typeorm';
import { DataSource, EntitySchema, In } from 'typeorm';

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

const { redisUrl, prefix, databaseUrl, worker, feature = {}, breaks } = JSON.parse(process.argv[2]);

class App {}
const app = await NestFactory.createApplicationContext(
  {
    module: App,
    imports: [
      AsyncCacheModule.forRoot({ connection: { url: redisUrl }, prefix, ...(worker === false ? { worker } : {}) }),
      TypeOrmModule.forRoot({
        type: 'postgres',
        url: databaseUrl,
        entities: [accounts],
        applicationName: worker === false ? 'web' : 'worker',
        retryAttempts: 0,
      }),
      AsyncCacheTypeOrmModule.forFeature([accounts], { ttl: '1h', ...feature }),
    ],
  },
  { logger: false },
);
const repository = app.get(getCachedRepositoryToken(accounts), { strict: false });
const { manager } = app.get(DataSource);
const { cache } = app.get(Symbol.for('nestjs-async-cache runtime'), { strict: false });

// For the controls of the tests.
if (breaks === 'mark') cache.entrust = async () => undefined;
if (breaks === 'invalidation') cache.invalidateTags = async () => undefined;

function described({ value, ...reading }) {
  return { ...reading, value: { balance: value.balance, double: value.double(), isDate: value.at instanceof Date } };
}

const calls = {
  read: async (id) => described(await repository.getJob.read({ id })),
  readAll: async (ids) => (await repository.filterJob.read({ id: In(ids) })).status,
  save: (id, balance) => manager.save(accounts, Object.assign(new Account(), { id, balance })).then(() => true),
  update: (id, balance) => manager.update(accounts, { id }, { balance }).then(() => true),
  rollBack: (id, balance) =>
    manager
      .transaction(async (inner) => {
        await inner.transaction((savepoint) => savepoint.save(accounts, Object.assign(new Account(), { id, balance })));
        throw new Error('no');
      })
      .catch(() => true),
  /** Commits, and dies before it invalidates. */
  saveAndDie: async (id, balance) => {
    cache.invalidateTags = async () => {
      process.kill(process.pid, 'SIGKILL');
      await new Promise(() => undefined);
    };
    await manager.save(accounts, Object.assign(new Account(), { id, balance }));
  },
  close: () => app.close().then(() => true),
};

process.on('message', async ({ id, call, args }) => {
  try {
    process.send({ id, result: await calls[call](...args) });
  } catch (error) {
    process.send({ id, error: `${error.name}: ${error.message}` });
  }
  if (call === 'close') process.disconnect();
});
process.send({ ready: true });
