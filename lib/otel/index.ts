/**
 * Metrics and spans for OpenTelemetry.
 *
 * @module nestjs-async-cache/otel
 */
export { AsyncCacheOtelModule } from './async-cache-otel.module.js';
