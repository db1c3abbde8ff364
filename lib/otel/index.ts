export { AsyncCacheOtelModule } from './async-cache-otel.module.js';
