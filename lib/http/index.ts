/**
 * Headers that tell clients and proxies how long a response may be used.
 *
 * @module nestjs-async-cache/http
 */
export { CacheHeaders, type CacheHeadersOptions } from './cache-headers.decorator.js';
export { CacheHeadersInterceptor } from './cache-headers.interceptor.js';
