export { NearStore } from './near-store.js';
export type { NearStoreOptions } from './near-store-options.js';
