import { UseInterceptors } from '@nestjs/common';
import { CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import { httpApplication } from '../harness/http-application.mjs';

export default {
  name: '@nestjs/cache-manager CacheInterceptor',
  tiers: ['memory'],
  cannot: {},
  module: () =>
    httpApplication({
      imports: [CacheModule.register({ ttl: 3_600_000 })],
      onController: [UseInterceptors(CacheInterceptor)],
    }),
};
