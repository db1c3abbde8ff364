export { CacheHeaders, type CacheHeadersOptions } from './cache-headers.decorator.js';
export { CacheHeadersInterceptor } from './cache-headers.interceptor.js';
