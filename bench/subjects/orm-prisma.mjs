import { PrismaPg } from '@prisma/adapter-pg';
import {
  AsyncCachePrismaModule,
  EntityFilterJob,
  getCachedDelegateToken,
  reportWrites,
} from '../../dist/prisma/index.js';
import { ormSubject } from '../harness/orm-subject.mjs';
import prisma from '../orm/generated/index.js';

const filter = { orderBy: { id: 'asc' } };

export default ormSubject('Prisma', (connectionString) => {
  const client = reportWrites(new prisma.PrismaClient({ adapter: new PrismaPg({ connectionString }) }));
  class ClientModule {}
  const clients = {
    module: ClientModule,
    global: true,
    providers: [{ provide: 'CLIENT', useValue: client }],
    exports: ['CLIENT'],
  };
  return {
    imports: [clients, AsyncCachePrismaModule.forFeature(['account'], { client: 'CLIENT', ttl: '1h' })],
    shared: new EntityFilterJob('account', { client: 'CLIENT', name: 'Shared', ttl: '1h', readOnly: true }),
    repository: getCachedDelegateToken('account'),
    filter: [filter],
    queries: () => ({ rows: () => client.account.findMany(filter) }),
  };
});
