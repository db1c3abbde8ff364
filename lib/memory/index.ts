export {
  InProcessRefreshQueue,
  type InProcessRefreshQueueOptions,
} from './in-process-refresh-queue.js';
export { MemoryStore, type MemoryStoreOptions } from './memory-store.js';
export { NearStore } from './near-store.js';
export type { NearStoreOptions } from './near-store-options.js';
export { SystemClock } from './system-clock.js';
