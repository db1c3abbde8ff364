import 'reflect-metadata';
import { Test } from '@nestjs/testing';
import { AsyncCached, AsyncCacheModule } from '../../dist/index.js';
import { decorateMethod } from './decorate.mjs';

/**
 * The reads of one ORM: by itself, from its cached repository, from a job that shares one frozen value, and from a
 * decorated method that returns the rows.
 *
 * @param describe what differs: `imports` of Nest, `shared` (a filter job with `readOnly`), `repository` (the token of the
 *   cached repository), `filter` (the arguments of its `filter`), and `queries(app)`, which returns `rows`, by the ORM, and
 *   where instances do not survive in a plain job, `plainRows`.
 */
export function ormSubject(name, describe) {
  return {
    name,
    tiers: ['memory'],
    cannot: {},
    async open({ databaseUrl }) {
      const { imports, shared, repository: token, filter, queries } = describe(databaseUrl);
      class Reports {
        async rows() {
          return (queried.plainRows ?? queried.rows)();
        }
      }
      decorateMethod(Reports.prototype, 'rows', [AsyncCached(3_600)]);
      const app = await Test.createTestingModule({
        imports: [AsyncCacheModule.forRoot(), ...imports],
        providers: [Reports, { provide: 'shared', useValue: shared }],
      })
        .setLogger(false)
        .compile();
      await app.init();
      const queried = queries(app);
      const repository = app.get(token, { strict: false });
      return {
        direct: () => queried.rows(),
        own: () => repository.filter(...filter),
        shared: () => shared.filter(...filter),
        plain: () => app.get(Reports).rows(),
        read: () => repository.filterJob.read(...filter),
        invalidate: () => repository.invalidate(),
        close: () => app.close(),
      };
    },
  };
}
