import { httpApplication } from '../harness/http-application.mjs';

/** The limit: the platform, Nest, and an origin that takes no time. */
export default {
  name: 'no cache, an origin that takes no time',
  tiers: ['memory'],
  cannot: {},
  module: () => httpApplication({}),
};
