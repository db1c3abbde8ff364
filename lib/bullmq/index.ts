/**
 * The refresh queue on BullMQ. `AsyncCacheModule` sets it up where there is a `connection`.
 *
 * @module nestjs-async-cache/bullmq
 */
export { BullMQRefreshModule, type BullMQRefreshModuleOptions, REFRESH_QUEUE_NAME } from './bullmq-refresh.module.js';
export type { BullMQRefreshOptions, BullMQWorkerOptions } from './bullmq-refresh-options.js';
export { BullMQRefreshQueue } from './bullmq-refresh-queue.js';
