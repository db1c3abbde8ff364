import 'reflect-metadata';
import { PrismaPg } from '@prisma/adapter-pg';
import { AsyncCachePrismaModule, getCachedDelegateToken, reportWrites } from 'nestjs-async-cache/prisma';
import { given, serve } from '../../orm/support/serve.mjs';
import { PrismaClient } from './accounts/generated/index.js';

const client = { provide: 'CLIENT', useFactory: () => reportWrites(new PrismaClient({ adapter })) };
const adapter = new PrismaPg({ connectionString: given.databaseUrl });

class ClientModule {}
const clients = { module: ClientModule, providers: [client], exports: ['CLIENT'] };

const imports = [
  clients,
  AsyncCachePrismaModule.forFeature(['account'], { client: 'CLIENT', imports: [clients], ttl: '1h' }),
];

await serve(imports, (app) => {
  const prisma = app.get('CLIENT', { strict: false });
  const accounts = app.get(getCachedDelegateToken('account'), { strict: false });
  const withDouble = ({ value, ...reading }) => ({ ...reading, value: { ...value, double: () => value.balance * 2 } });
  return {
    // Rows of Prisma have no methods.
    repository: {
      getJob: { read: async (where) => withDouble(await accounts.getJob.read({ where })) },
      filterJob: { read: (where) => accounts.filterJob.read({ where }) },
    },
    anyOf: (ids) => ({ id: { in: ids } }),
    save: (id, balance) => prisma.account.update({ where: { id }, data: { balance } }),
    update: (id, balance) => prisma.$transaction([prisma.account.updateMany({ where: { id }, data: { balance } })]),
    rollBack: (id, balance) =>
      prisma.$transaction(async (tx) => {
        await tx.$transaction((savepoint) => savepoint.account.update({ where: { id }, data: { balance } }));
        throw new Error('no');
      }),
  };
});
