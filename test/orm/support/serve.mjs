// An application in a process of its own, on the built package: `npm test` builds it first. Its parent sends calls, and
// gets their results. `worker: false` makes it a web process.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AsyncCacheModule } from 'nestjs-async-cache';

/** What the parent wants. */
export const given = JSON.parse(process.argv[2]);

/** @param callsOf the calls that differ from ORM to ORM: repository, anyOf(ids), save, update, transaction(work). */
export async function serve(imports, callsOf) {
  const { redisUrl, prefix, worker, near, breaks } = given;
  class App {}
  const app = await NestFactory.createApplicationContext(
    {
      module: App,
      imports: [
        AsyncCacheModule.forRoot({
          connection: { url: redisUrl },
          prefix,
          ...(worker === false && { worker }),
          ...(near === false && { near }),
        }),
        ...imports,
      ],
    },
    { logger: false },
  );
  const { cache } = app.get(Symbol.for('nestjs-async-cache runtime'), { strict: false });
  // For the controls of the tests.
  if (breaks === 'mark') cache.entrust = async () => undefined;
  if (breaks === 'invalidation') cache.invalidateTags = async () => undefined;
  const { repository, anyOf, save, update, rollBack } = callsOf(app);
  const described = ({ value, ...reading }) => ({
    ...reading,
    value: { balance: value.balance, double: value.double(), isDate: value.at instanceof Date },
  });
  const calls = {
    read: async (id) => described(await repository.getJob.read({ id })),
    readAll: async (ids) => (await repository.filterJob.read(anyOf(ids))).status,
    save: (id, balance) => save(id, balance).then(() => true),
    update: (id, balance) => update(id, balance).then(() => true),
    rollBack: (id, balance) => rollBack(id, balance).catch(() => true),
    /** Commits, and dies before it invalidates. */
    saveAndDie: async (id, balance) => {
      cache.invalidateTags = async () => {
        process.kill(process.pid, 'SIGKILL');
        await new Promise(() => undefined);
      };
      await save(id, balance);
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
}
