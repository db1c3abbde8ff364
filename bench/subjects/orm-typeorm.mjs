import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource, EntitySchema } from 'typeorm';
import { AsyncCacheTypeOrmModule, EntityFilterJob, getCachedRepositoryToken } from '../../dist/typeorm/index.js';
import { ormSubject } from '../harness/orm-subject.mjs';

class Account {}
const accounts = new EntitySchema({
  name: 'Account',
  target: Account,
  columns: {
    id: { type: 'int', primary: true },
    name: { type: 'text' },
    email: { type: 'text' },
    balance: { type: 'numeric' },
    active: { type: 'boolean' },
    at: { type: 'timestamptz' },
  },
});

export default ormSubject('TypeORM', (url) => ({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url, entities: [accounts], retryAttempts: 0 }),
    AsyncCacheTypeOrmModule.forFeature([accounts], { ttl: '1h' }),
  ],
  shared: new EntityFilterJob(accounts, { name: 'Shared', ttl: '1h', readOnly: true }),
  repository: getCachedRepositoryToken(accounts),
  filter: [{}, { order: { id: 'ASC' } }],
  queries: (app) => ({ rows: () => app.get(DataSource).manager.find(accounts, { order: { id: 'ASC' } }) }),
}));
