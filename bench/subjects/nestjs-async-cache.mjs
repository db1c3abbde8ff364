import 'reflect-metadata';
import { Test } from '@nestjs/testing';
import { AsyncCache, AsyncCached, AsyncCacheJob, AsyncCacheModule } from '../../dist/index.js';
import { decorateMethod } from '../harness/decorate.mjs';

/** This package, in the process, on Redis, and on Redis with its near tier. Options that a workload does not name are the defaults. */
export default {
  name: 'nestjs-async-cache',
  tiers: ['memory', 'redis', 'near'],
  cannot: {},
  async open({ tier, url, prefix, ttl, stale, fetch, max, settings = {}, job: options = {} }) {
    class Reads extends AsyncCacheJob {
      ttl = ttl;
      grace = stale;
      async fetch(key) {
        return fetch(key);
      }
    }
    class Service {
      async read(argument) {
        return fetch(argument);
      }
    }
    decorateMethod(Service.prototype, 'read', [AsyncCached({ ttl, grace: stale })]);
    const where =
      tier === 'memory'
        ? { store: { max, maxBytes: '8GB' } }
        : { connection: { url }, prefix, near: tier === 'near' ? { max, maxBytes: '8GB' } : false };
    const application = await Test.createTestingModule({
      imports: [AsyncCacheModule.forRoot({ ...where, ...settings })],
      providers: [
        {
          provide: Reads,
          useFactory: () => Object.assign(new Reads(), options),
        },
        Service,
      ],
    })
      .setLogger(false)
      .compile();
    await application.init();
    const job = application.get(Reads);
    const service = application.get(Service);
    return {
      get: (key) => job.get(key),
      method: (argument) => service.read(argument),
      delete: (key) => job.delete(key),
      invalidate: (key) => job.invalidate(key),
      invalidateTags: (...tags) => application.get(AsyncCache).invalidateTags(...tags),
      job,
      application,
      close: () => application.close(),
    };
  },
};
