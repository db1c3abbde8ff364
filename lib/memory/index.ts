/**
 * The store, the queue and the clock of an embedded application.
 *
 * @module nestjs-async-cache/memory
 */
export { CronTimetable } from './cron-timetable.js';
export { InProcessRefreshQueue, type InProcessRefreshQueueOptions } from './in-process-refresh-queue.js';
export { MemoryStore, type MemoryStoreOptions } from './memory-store.js';
export { SystemClock } from './system-clock.js';
