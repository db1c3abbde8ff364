import { AsyncCached, AsyncCacheModule } from '../../dist/index.js';
import { httpApplication } from '../harness/http-application.mjs';

export default {
  name: 'nestjs-async-cache on the controller',
  tiers: ['memory'],
  cannot: {},
  module: () => httpApplication({ imports: [AsyncCacheModule.forRoot()], onRoute: [AsyncCached('1h')] }),
};
