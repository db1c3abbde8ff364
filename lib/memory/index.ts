export {
  InProcessRefreshQueue,
  type InProcessRefreshQueueOptions,
} from './in-process-refresh-queue.js';
export { MemoryStore, type MemoryStoreOptions } from './memory-store.js';
export { NearStore, type NearStoreOptions } from './near-store.js';
export { SystemClock } from './system-clock.js';
